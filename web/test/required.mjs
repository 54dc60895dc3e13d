/**
 * required returns a value that the tests can't do without. Where it is missing,
 * it says so in one line and ends the process with a failure, as nothing else
 * that could be reported would help. Tests are never skipped for it.
 */
export function required(value, complaint) {
  if (value) return value
  console.error(complaint)
  process.exit(1)
}
