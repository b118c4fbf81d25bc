/** Reads conditions; see expression.ts for what they look like. Pure. */
import { nearest } from '../../../pkg/text/nearest.ts';
import type { InputError } from '../../domain/errors.ts';
import {
  type Comparison,
  comparisons,
  type Expression,
  type Path,
  type StepStatus,
  stepStatuses,
} from './expression.ts';
import { conditionFault, type Word, wordsOf } from './words.ts';

/** How deep parentheses and negations may lie in each other. */
const maxDepth = 20;

/** Reads a condition. @throws {InputError} KERUTA_ERR_BAD_VALUE that says where it cannot be read, and what was expected there */
export function parseCondition(text: string): Expression {
  return new Reading(wordsOf(text)).whole();
}

/** Reads words from left to right; `or` binds least, comparisons most. */
class Reading {
  readonly #words: readonly Word[];
  #next = 0;

  constructor(words: readonly Word[]) {
    this.#words = words;
  }

  whole(): Expression {
    const expression = this.#either(0);
    if (this.#next < this.#words.length) throw this.#unexpected('and, or, a comparison, or the end');
    return expression;
  }

  #either(depth: number): Expression {
    const parts = [this.#all(depth)];
    while (this.#take('or')) parts.push(this.#all(depth));
    return joined('or', parts);
  }

  #all(depth: number): Expression {
    const parts = [this.#one(depth)];
    while (this.#take('and')) parts.push(this.#one(depth));
    return joined('and', parts);
  }

  #one(depth: number): Expression {
    if (depth > maxDepth)
      throw conditionFault(`expected at most ${maxDepth} levels of parentheses and negations`);
    if (this.#take('not')) return { kind: 'not', inner: this.#one(depth + 1) };
    const left = this.#term(depth);
    const sign = this.#comparison();
    if (sign === null) return left;
    const right = this.#term(depth);
    if (this.#comparison() !== null)
      throw conditionFault(`${sign}: expected one comparison, got two in a row; use and`);
    refuseUnknownStatus(left, right);
    return { kind: 'compare', sign, left, right };
  }

  #term(depth: number): Expression {
    const word = this.#words[this.#next];
    if (word?.kind === 'value') {
      this.#next++;
      return { kind: 'value', value: word.value };
    }
    if (this.#take('(')) {
      const inner = this.#either(depth + 1);
      this.#expect(')');
      return inner;
    }
    if (word?.kind !== 'name')
      throw this.#unexpected('a name, a text in quotes, a number, true, false, null or (');
    this.#next++;
    if (!this.#take('(')) return { kind: 'path', path: this.#path(word.text) };
    const call = this.#call(word);
    this.#expect(')');
    return call;
  }

  /** What stands in the parentheses behind a name. */
  #call(name: Word & { readonly text: string }): Expression {
    if (name.text !== 'exists' && name.text !== 'status') {
      const meant = nearest(name.text, ['exists', 'status']);
      const hint = meant === null ? '' : `; did you mean ${meant}()?`;
      throw conditionFault(
        `expected exists() or status(), got ${name.text}() at character ${name.at + 1}${hint}`,
      );
    }
    const word = this.#words[this.#next];
    const quoted = word?.kind === 'value' && typeof word.value === 'string' ? word.value : null;
    if (name.text === 'status') {
      if (quoted === null && word?.kind !== 'name') return { kind: 'status', step: null };
      this.#next++;
      return { kind: 'status', step: quoted ?? (word as { readonly text: string }).text };
    }
    if (quoted === null && word?.kind !== 'name')
      throw this.#unexpected('a path, or the name of a file in quotes');
    this.#next++;
    if (quoted !== null) return { kind: 'file', name: quoted };
    return { kind: 'set', path: this.#path((word as { readonly text: string }).text) };
  }

  #path(first: string): Path {
    const path: [string, ...(string | number)[]] = [first];
    for (;;) {
      if (this.#take('.')) {
        const word = this.#words[this.#next];
        if (word?.kind !== 'name' && word?.kind !== 'word') throw this.#unexpected('a name');
        path.push(word.text);
        this.#next++;
      } else if (this.#take('[')) {
        const word = this.#words[this.#next];
        const part = word?.kind === 'value' ? word.value : null;
        const isIndex = typeof part === 'number' && Number.isSafeInteger(part) && part >= 0;
        if (typeof part !== 'string' && !isIndex)
          throw this.#unexpected('a name in quotes, or a whole number');
        path.push(part);
        this.#next++;
        this.#expect(']');
      } else return path;
    }
  }

  #comparison(): Comparison | null {
    return comparisons.find((sign) => this.#take(sign)) ?? null;
  }

  #take(text: string): boolean {
    const word = this.#words[this.#next];
    if (word === undefined || (word.kind !== 'sign' && word.kind !== 'word') || word.text !== text)
      return false;
    this.#next++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#unexpected(text);
  }

  #unexpected(expected: string): InputError {
    const at = this.#words[this.#next]?.at;
    return conditionFault(
      `expected ${expected} ${at === undefined ? 'at the end' : `at character ${at + 1}`}`,
    );
  }
}

function joined(
  kind: 'and' | 'or',
  parts: readonly [Expression, ...Expression[]] | readonly Expression[],
): Expression {
  const [first, second] = parts;
  return first !== undefined && second === undefined ? first : { kind, parts };
}

/** A status that no step ever has makes a condition that is never met, and nobody would see why. */
function refuseUnknownStatus(...sides: readonly [Expression, Expression]): void {
  if (!sides.some(({ kind }) => kind === 'status')) return;
  for (const side of sides) {
    if (side.kind !== 'value' || stepStatuses.includes(side.value as StepStatus)) continue;
    const meant = typeof side.value === 'string' ? nearest(side.value, stepStatuses) : null;
    const hint = meant === null ? '' : `; did you mean "${meant}"?`;
    const got = JSON.stringify(side.value);
    throw conditionFault(
      `expected status() to be compared with one of ${stepStatuses.join(', ')}, got ${got}${hint}`,
    );
  }
}
