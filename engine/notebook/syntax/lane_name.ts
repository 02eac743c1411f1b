/**
 * Names of lanes. Owns: their form.
 */

/** A lane's name: letters, digits and `. _ -`, 64 at most. */
export const LANE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
