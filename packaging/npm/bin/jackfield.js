#!/usr/bin/env node
'use strict'
// Runs the program. What this process is told to do, the program does; this process ends as the program ended.

const { spawn } = require('node:child_process')
const { constants } = require('node:os')

const { findBinary } = require('../binary.cjs')

let program
try {
  program = findBinary()
} catch (error) {
  console.error(`error: ${error.message}`)
  process.exit(1)
}
const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' })

// A terminal sends its signals to the program as well. A second one to a program that is stopping changes nothing.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  console.error(`error: ${program} cannot be run: ${error.message}`)
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code))
