/** Disks of their own for one test: small file systems in memory, which are filled, emptied and made read-only. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why no disk can be made here; null when one can. */
export const noDisks = canMount() ? null : 'needs to mount a tmpfs';

/** @see Disk.mount */
export class Disk {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Makes one. Call `remove` at the end. @param options  of tmpfs, such as `size=1m,nr_inodes=64` */
  static mount(directory: string, options: string): Disk {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const disk = new Disk(directory);
    disk.set(`mode=700,${options}`);
    return disk;
  }

  /** Mounts or mounts again. @param options  such as `remount,ro` @throws {Error} with what mount said */
  set(options: string): void {
    run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', this.directory);
  }

  /**
   * Makes it read-only for whoever looks for it by its path from now on. What is open stays open: a file system with
   * files that are open for writing does not let itself be made read-only otherwise.
   */
  cover(): void {
    run('mount', '--bind', this.directory, this.directory);
    run('mount', '-o', 'remount,bind,ro', this.directory);
  }

  /** Ends `cover`. */
  uncover(): void {
    run('umount', '-l', this.directory);
  }

  /** Takes every byte that is left. */
  fill(): void {
    const ballast = join(this.directory, 'ballast');
    for (const size of [65_536, 4096, 1]) {
      untilFull(() => writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' }));
    }
  }

  /** Takes every file that is left. */
  fillFiles(): void {
    const many = join(this.directory, 'many');
    mkdirSync(many, { recursive: true });
    let number = 0;
    untilFull(() => writeFileSync(join(many, String(number++)), '', { flag: 'wx' }));
  }

  /** Gives back what `fill` and `fillFiles` took. */
  free(): void {
    rmSync(join(this.directory, 'ballast'), { force: true });
    rmSync(join(this.directory, 'many'), { recursive: true, force: true });
  }

  remove(): void {
    // once more for what covers it
    while (spawnSync('umount', ['-l', this.directory]).status === 0);
  }
}

function run(program: string, ...words: readonly string[]): void {
  const { status, stderr } = spawnSync(program, words);
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr}`);
}

function untilFull(take: () => void): void {
  try {
    for (;;) take();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const at = mkdtempSync(join(tmpdir(), 'mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at]).status === 0;
  if (mounted) spawnSync('umount', [at]);
  rmSync(at, { recursive: true, force: true });
  return mounted;
}
