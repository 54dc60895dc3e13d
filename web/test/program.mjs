// The program, as the tests run it: until it says that it is ready, and then
// until it is told to stop.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { required } from './required.mjs'

export const binary = required(process.env.HEALTHGRAPH_BIN, 'HEALTHGRAPH_BIN is not set: it names the healthgraph binary to test')
const startTimeout = 30_000
const stopTimeout = 15_000

/**
 * startProgram starts the program with arguments and a whole environment, and
 * waits until `ready` finds what it looks for in a line of the output that
 * `from` names (stdout or stderr). It returns that, and `stop`.
 */
export async function startProgram(args, { env = process.env, from = 'stdout', ready }) {
  const stdio = ['ignore', 'inherit', 'inherit']
  stdio[from === 'stdout' ? 1 : 2] = 'pipe'
  const program = spawn(binary, args, { stdio, env })
  const exited = once(program, 'exit')
  try {
    const found = await firstFound(createInterface({ input: program[from] }), exited, ready, args[0])
    return { found, stop: () => stop(program, exited, args[0]) }
  } catch (error) {
    program.kill('SIGKILL')
    throw error
  }
}

/** firstFound waits for the line that says that the program is ready. Those after it are read and forgotten. */
function firstFound(lines, exited, ready, name) {
  return new Promise((resolve, reject) => {
    const said = []
    const timer = setTimeout(() => reject(new Error(`${name} was not ready after ${startTimeout / 1000} s`)), startTimeout)
    lines.on('line', (line) => {
      const found = ready(line)
      if (found) resolve(found)
      else if (said.length < 20) said.push(line)
    })
    exited.then(([code, signal]) => reject(new Error(`${name} ended before it was ready: ${signal ?? `exit code ${code}`}\n${said.join('\n')}`)))
    exited.finally(() => clearTimeout(timer))
  })
}

/** stop ends the program as an operator does, which it has to survive in order. */
async function stop(program, exited, name) {
  program.kill('SIGTERM')
  const timer = setTimeout(() => program.kill('SIGKILL'), stopTimeout)
  const [code, signal] = await exited
  clearTimeout(timer)
  assert.equal(signal, null, `${name} did not stop within ${stopTimeout / 1000} s of SIGTERM`)
  assert.equal(code, 0, `${name} ends with exit code 0`)
}
