// The program's demo, as the tests use it: the gateway with both upstreams
// simulated, on free loopback ports.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { required } from './required.mjs'

const binary = required(process.env.HEALTHGRAPH_BIN, 'HEALTHGRAPH_BIN is not set: it names the healthgraph binary to test')
const startTimeout = 30_000
const stopTimeout = 15_000

/**
 * startDemo starts the binary that HEALTHGRAPH_BIN names and waits until it is
 * ready. It returns what the program prints then (the addresses and tokens), as
 * well as `ask` to query the gateway as the demo's person, and `stop`.
 */
export async function startDemo() {
  const program = spawn(binary, ['demo', '--json', '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(program, 'exit')
  try {
    const demo = JSON.parse(await firstLine(program, exited))
    return {
      ...demo,
      gateway: new URL(demo.graphql).origin,
      ask: (query, variables) => ask(demo.graphql, demo.tokens.demo, query, variables),
      stop: () => stop(program, exited),
    }
  } catch (error) {
    program.kill('SIGKILL')
    throw error
  }
}

/** firstLine waits for the one line that says that the demo is ready. */
async function firstLine(program, exited) {
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), startTimeout)
  try {
    return await Promise.race([
      once(createInterface({ input: program.stdout }), 'line', { signal: timeout.signal }).then(([line]) => line),
      exited.then(([code, signal]) => {
        throw new Error(`the demo ended before it was ready: ${signal ?? `exit code ${code}`}`)
      }),
    ])
  } catch (error) {
    if (error.name !== 'AbortError') throw error
    throw new Error(`the demo was not ready after ${startTimeout / 1000} s`)
  } finally {
    clearTimeout(timer)
  }
}

/** stop ends the demo as an operator does, which it has to survive in order. */
async function stop(program, exited) {
  program.kill('SIGTERM')
  const timer = setTimeout(() => program.kill('SIGKILL'), stopTimeout)
  const [code, signal] = await exited
  clearTimeout(timer)
  assert.equal(signal, null, `the demo did not stop within ${stopTimeout / 1000} s of SIGTERM`)
  assert.equal(code, 0, 'the demo ends with exit code 0')
}

/** ask runs one operation, and returns its data; GraphQL errors are thrown. */
async function ask(endpoint, token, query, variables) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = await response.json()
  assert.equal(errors, undefined, `GraphQL errors: ${JSON.stringify(errors)}`)
  return data
}
