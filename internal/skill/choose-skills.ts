import { isInFocus } from '../domain/focus.ts';
import type { Skill } from './skill.ts';

/**
 * The skills that a focus chooses, by name. No focus chooses all of them; with one, a skill that says nothing about its focus
 * is left out.
 */
export function chooseSkills<S extends Skill>(skills: readonly S[], focus: readonly string[]): S[] {
  return skills.filter((skill) => isInFocus(skill.focus, focus)).toSorted(byName);
}

/** Orders by code units, so that the order is the same on every machine. */
export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
