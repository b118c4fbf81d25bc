/**
 * Places in a program at which a test can make it die, stop or fail. Nothing happens at them unless something was armed;
 * who arms them decides whether a build can do that at all.
 */

const armed = new Map<string, () => void>();

/** Marks a place. Costs a look into an empty map when nothing is armed. @param name  such as `after_claim` */
export function failpoint(name: string): void {
  armed.get(name)?.();
}

/** What a place does when the program comes through it; the last one armed counts. @param action  may never return */
export function armFailpoint(name: string, action: () => void): void {
  armed.set(name, action);
}

/** One wish of a specification: at which place, at the how many-th time (from 1), what. */
export interface Wish {
  readonly name: string;
  readonly action: 'kill' | 'stop' | 'throw';
  readonly time: number;
}

/**
 * Reads a specification: `after_claim:kill,mid_segment:stop@3`.
 * @throws {SyntaxError} that names the part that is not understood
 */
export function parseFailpoints(text: string): readonly Wish[] {
  return text.split(',').map((part) => {
    const match = /^([a-z_]+):(kill|stop|throw)(?:@([1-9]\d{0,6}))?$/.exec(part.trim());
    if (!match) {
      throw new SyntaxError(
        `"${part}" is no failpoint; expected name:kill|stop|throw, with @N for the N-th time`,
      );
    }
    const [, name = '', action, time = '1'] = match;
    return { name, action: action as Wish['action'], time: Number(time) };
  });
}
