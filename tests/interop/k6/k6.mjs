export function check(value, checks) {
  for (const [name, holds] of Object.entries(checks)) {
    if (!holds(value)) (globalThis.failures ??= []).push(name);
  }
}
