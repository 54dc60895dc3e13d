// The set-up of docs/production.md with a real issuer of OpenID Connect: the
// tokens that it gives to people and services are those that the gateway takes.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { startIssuer } from './issuer.mjs'
import { startServe } from './serve.mjs'

const audience = 'https://health.example'

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
const kidOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).kid

describe('an issuer of OpenID Connect', { timeout: 120_000 }, () => {
  let issuer, gateway

  before(async () => {
    issuer = await startIssuer()
    gateway = await startServe({ OIDC_ISSUERS: issuer.issuer, JWT_AUDIENCE: audience })
  })
  after(async () => {
    await gateway?.stop()
    await issuer?.stop()
  })

  const ask = async (token, query) => {
    const response = await fetch(gateway.graphql, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ query }),
    })
    const { data, errors } = await response.json()
    return { status: response.status, data, error: errors?.[0] }
  }

  test('a person signs in by authorization code and PKCE, and asks about themselves alone', async () => {
    const token = await issuer.personsToken('person-1', audience, 'openid connections:read')
    const { iss, aud, sub, scope } = claimsOf(token)
    assert.deepEqual({ iss, aud, sub, scope }, { iss: issuer.issuer, aud: audience, sub: 'person-1', scope: 'connections:read' })

    const { data, error } = await ask(token, '{ viewer { id } connections(dataSources: ["garmin"]) { status } }')
    assert.equal(error, undefined)
    assert.deepEqual(data, { viewer: { id: 'person-1' }, connections: [{ status: 'NOT_CONNECTED' }] })
    const other = await ask(token, '{ user(id: "person-2") { id } }')
    assert.equal(other.error.extensions.code, 'FORBIDDEN')
    const more = await ask(token, '{ stepCount(from: "2026-04-01", to: "2026-04-02") { total } }')
    assert.match(more.error.message, /quantities:read/, 'which was not asked for at the issuer')
  })

  test('a person can not give themselves users:any', async () => {
    const token = await issuer.personsToken('person-1', audience, 'openid connections:read users:any')
    assert.equal(claimsOf(token).scope, 'connections:read')
  })

  test('a token that lists no scope is for everything of its person, and one that lists others for nothing', async () => {
    const query = '{ connections(dataSources: ["garmin"]) { status } }'
    const unlisted = await issuer.personsToken('person-1', audience, 'openid')
    assert.equal(claimsOf(unlisted).scope, undefined)
    assert.equal((await ask(unlisted, query)).error, undefined)

    const others = await issuer.personsToken('person-1', audience, 'openid profile')
    assert.equal(claimsOf(others).scope, 'profile')
    const { error } = await ask(others, query)
    assert.equal(error.extensions.code, 'FORBIDDEN')
    assert.deepEqual(error.extensions.missingScopes, ['connections:read'])
  })

  test('a service signs in by client credentials, and asks for anybody', async () => {
    const token = await issuer.servicesToken(audience, 'users:any connections:read')
    const { data, error } = await ask(token, '{ user(id: "person-2") { id } connections(userId: "person-2", dataSources: ["garmin"]) { status } }')
    assert.equal(error, undefined)
    assert.deepEqual(data, { user: { id: 'person-2' }, connections: [{ status: 'NOT_CONNECTED' }] })
  })

  test('a token for another audience, or of another issuer, is refused', async () => {
    const other = await ask(await issuer.personsToken('person-1', 'https://other.example', 'openid connections:read'), '{ viewer { id } }')
    assert.equal(other.status, 401)
    assert.match(other.error.message, /aud/)

    const stranger = await startIssuer()
    try {
      const { status, error } = await ask(await stranger.servicesToken(audience, 'users:any connections:read'), '{ viewer { id } }')
      assert.equal(status, 401)
      assert.equal(error.extensions.code, 'UNAUTHENTICATED')
    } finally {
      await stranger.stop()
    }
  })

  test('a new key of the issuer is followed without a restart, and tokens of the one before stay good', async () => {
    const before = await issuer.servicesToken(audience, 'users:any connections:read')
    issuer.rotate()
    const fresh = await issuer.servicesToken(audience, 'users:any connections:read')
    assert.deepEqual([kidOf(before), kidOf(fresh)], ['first', 'second'])

    // The gateway asks the issuer once in ten seconds at most, whatever tokens come.
    const query = '{ user(id: "person-2") { id } }'
    for (const end = Date.now() + 20_000; (await ask(fresh, query)).status !== 200; ) {
      assert.ok(Date.now() < end, 'the new key was not found')
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    assert.equal((await ask(before, query)).status, 200)
  })
})
