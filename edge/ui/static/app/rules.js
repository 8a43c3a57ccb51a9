/** Limits that the server enforces, known here to say them before a patient runs into them. A test compares both. */

export const USERNAME_MIN = 3;
export const USERNAME_MAX = 64;
export const PASSWORD_MIN = 8;
export const PASSWORD_MAX = 128;
export const FULL_NAME_MAX = 200;
export const OLDEST_YEARS = 130;
/** Younger than this, a guardian must be there. */
export const ADULT_YEARS = 18;

/** Placeholders for the texts about user names and passwords. */
export const USERNAME_RULE = { min: USERNAME_MIN, max: USERNAME_MAX };
export const PASSWORD_RULE = { min: PASSWORD_MIN, max: PASSWORD_MAX };

/** The placeholders that an error's texts need. */
export const ruleOf = (code) => (code.startsWith("password") ? PASSWORD_RULE : USERNAME_RULE);
