'use strict'
// Where the program of this platform is.

const { version } = require('./package.json')

/**
 * The path of the program: what `JACKFIELD_BIN` names, else that of the package of this platform.
 * Throws when there is none.
 */
function findBinary() {
  if (process.env.JACKFIELD_BIN) return process.env.JACKFIELD_BIN
  const carrier = `@jackfield/${process.platform}-${process.arch}`
  try {
    return require.resolve(`${carrier}/bin/jackfield`)
  } catch {
    throw new Error(
      `jackfield ${version} has no program for ${process.platform} on ${process.arch} here: ${carrier} is not installed. ` +
        'Install with optional dependencies, or name a program that was built from sources with JACKFIELD_BIN.'
    )
  }
}

module.exports = { findBinary }
