// The program's demo, as the tests use it: the gateway with both upstreams
// simulated, on free loopback ports.

import assert from 'node:assert/strict'

import { startProgram } from './program.mjs'

/**
 * startDemo starts the binary that HEALTHGRAPH_BIN names and waits until it is
 * ready. It returns what the program prints then (the addresses and tokens), as
 * well as `ask` to query the gateway as the demo's person, `link` to link them
 * to OneTwentyOne where they are not, and `stop`.
 */
export async function startDemo() {
  const { found: demo, stop } = await startProgram(['demo', '--json', '--listen', '127.0.0.1:0'], { ready: JSON.parse })
  const asPerson = (query, variables) => ask(demo.graphql, demo.tokens.demo, query, variables)
  return { ...demo, gateway: new URL(demo.graphql).origin, ask: asPerson, link: () => link(asPerson), stop }
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

/** link clicks through OneTwentyOne's consent page, where there is need to. */
async function link(ask) {
  const { authorizationUrl } = await ask('{ authorizationUrl(dataSource: "onetwentyone") { authorized url } }')
  if (authorizationUrl.authorized) return
  const page = new URL(authorizationUrl.url)
  const form = new URLSearchParams(page.search)
  form.set('decision', 'allow')
  form.set('user', 'demo')
  for (const scope of ['profile', 'quantity', 'sleep', 'workout']) form.append('scope', scope)
  page.search = ''
  const response = await fetch(page, { method: 'POST', body: form, redirect: 'manual' })
  await ask('mutation ($url: URL!) { completeAuthorization(input: { url: $url }) { link { status } } }', {
    url: response.headers.get('location'),
  })
}
