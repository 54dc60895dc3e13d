// The program as operators run it: `healthgraph serve` with a keyset and a
// database of its own, in front of a simulated ROOK, on free loopback ports.

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { binary, startProgram } from './program.mjs'

const rook = { uuid: '0e5f5a5e-8a3c-4b57-9d6e-3f1f7f2f9d10', secret: 'secret-of-the-simulated-rook' }

/**
 * startServe serves with settings, without the HEALTHGRAPH_ before their names.
 * It returns `graphql`, the endpoint's address, `tokenFor`, which makes a person's
 * token with a JWT secret, and `stop`.
 */
export async function startServe(settings) {
  const directory = await mkdtemp(join(tmpdir(), 'healthgraph-serve-'))
  const started = []
  const stop = async () => {
    for (const program of started.reverse()) await program.stop()
    await rm(directory, { recursive: true })
  }
  try {
    const keyset = join(directory, 'keyset.json')
    execFileSync(binary, ['keys', 'create', keyset])
    const simulated = await startProgram(
      ['simulate', 'rook', '--listen', '127.0.0.1:0', '--client-uuid', rook.uuid, '--secret-key', rook.secret],
      { ready: (line) => /(http:\S+)/.exec(line)?.[1] },
    )
    started.push(simulated)
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HEALTHGRAPH_')))
    const all = {
      LISTEN: '127.0.0.1:0',
      DATABASE_URL: `sqlite:${join(directory, 'healthgraph.db')}`,
      KEYSET_FILE: keyset,
      ROOK_BASE_URL: simulated.found,
      ROOK_CLIENT_UUID: rook.uuid,
      ROOK_SECRET_KEY: rook.secret,
      ...settings,
    }
    for (const [name, value] of Object.entries(all)) env[`HEALTHGRAPH_${name}`] = value
    const gateway = await startProgram(['serve'], { env, from: 'stderr', ready: (line) => JSON.parse(line).graphql })
    started.push(gateway)
    const tokenFor = (person, secret) =>
      execFileSync(binary, ['token', person], { env: { ...env, HEALTHGRAPH_JWT_SECRET: secret }, encoding: 'utf8' }).trim()
    return { graphql: gateway.found, tokenFor, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
