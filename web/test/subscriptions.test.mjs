// The official clients of graphql-transport-ws and of GraphQL over server-sent
// events, against the demo: each is told of the same changes of a link.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'

import { createClient as createEventsClient } from 'graphql-sse'
import { CloseCode, createClient as createSocketClient } from 'graphql-ws'
import WebSocket from 'ws'

import { startDemo } from './demo.mjs'

const document = `subscription Changed($userId: ID) {
  connectionChanged(userId: $userId) { id status dataSource { id name } problem { code } authorizationUrl }
}`
const revocation = 'mutation { revoke(input: { dataSource: "onetwentyone" }) { outcome } }'

// Each client as a function that makes one. Its `begun` is there when it is
// known that the operations sent before are under way.
const clients = {
  'graphql-ws': (demo, token = demo.tokens.demo) => {
    let socket
    const client = createSocketClient({
      url: demo.graphql.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: `Bearer ${token}` },
      retryAttempts: 0,
      on: { connected: (opened) => (socket = opened), closed: () => (socket = undefined) },
    })
    let pongs = 0
    client.on('pong', (received) => (pongs += received))
    return {
      subscribe: (request, sink) => client.subscribe(request, sink),
      // The client may be about to close a connection on which nothing is left,
      // and to open another: then that one is asked.
      begun: async () => {
        const before = pongs
        for (let asked; pongs === before; await soon()) {
          if (!socket || socket === asked) continue
          asked = socket
          asked.send(JSON.stringify({ type: 'ping' }))
        }
      },
      dispose: () => client.dispose(),
    }
  },

  'graphql-sse': (demo, token = demo.tokens.demo) => {
    let opened = 0
    let wanted = 0
    const client = createEventsClient({
      url: demo.graphql,
      headers: { Authorization: `Bearer ${token}` },
      retryAttempts: 0,
      fetchFn: async (...args) => {
        const response = await fetch(...args)
        opened++
        return response
      },
    })
    return {
      subscribe: (request, sink) => {
        wanted++
        return client.subscribe(request, sink)
      },
      begun: async () => {
        while (opened < wanted) await soon()
      },
      dispose: () => client.dispose(),
    }
  },
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 5))

/** follow subscribes, and collects what comes. */
function follow(client, variables) {
  const results = []
  let finish
  const ended = new Promise((resolve) => (finish = resolve))
  const stop = client.subscribe(
    { query: document, variables },
    { next: (result) => results.push(result), error: (error) => finish({ error }), complete: () => finish({}) },
  )
  return {
    results,
    ended,
    stop,
    /** until waits for so many results. */
    until: async (n) => {
      while (results.length < n) await soon()
      return results
    },
  }
}

describe('subscriptions', { timeout: 120_000 }, () => {
  let demo

  before(async () => {
    demo = await startDemo()
  })
  after(() => demo?.stop())
  beforeEach(() => demo.link())

  for (const [name, connect] of Object.entries(clients)) {
    test(`${name} is told when a link ends and when it is back`, async () => {
      const client = connect(demo)
      const watched = follow(client)
      await client.begun()
      await demo.ask(revocation)
      const [{ data, errors }] = await watched.until(1)
      assert.equal(errors, undefined)
      const { status, dataSource, problem, authorizationUrl } = data.connectionChanged
      assert.equal(status, 'REVOKED')
      assert.deepEqual(dataSource, { id: 'onetwentyone', name: 'OneTwentyOne' })
      assert.equal(problem, null)
      assert.match(authorizationUrl, /^http/, 'the event has the page on which to link it again')

      await demo.link()
      const results = await watched.until(2)
      assert.equal(results[1].data.connectionChanged.status, 'CONNECTED')
      assert.equal(results[1].data.connectionChanged.id, data.connectionChanged.id)
      watched.stop()
      assert.deepEqual(await watched.ended, {})
      client.dispose()
    })

    test(`${name} watches for a service, of the person whom it names`, async () => {
      const client = connect(demo, demo.tokens.service)
      const nobody = follow(client)
      assert.equal((await nobody.until(1))[0].errors[0].extensions.code, 'BAD_USER_INPUT')
      assert.deepEqual(await nobody.ended, {}, 'a field that is refused ends the operation')
      const demos = follow(client, { userId: 'demo' })
      const strangers = follow(client, { userId: 'stranger' })
      await client.begun()
      await demo.ask(revocation)
      assert.equal((await demos.until(1))[0].data.connectionChanged.status, 'REVOKED')
      await client.begun()
      assert.deepEqual(strangers.results, [])
      client.dispose()
    })

    test(`${name} asks queries, and is told what is wrong with them`, async () => {
      const client = connect(demo)
      const run = (query) =>
        new Promise((resolve) => {
          const results = []
          client.subscribe(
            { query },
            { next: (result) => results.push(result), error: (error) => resolve({ error }), complete: () => resolve({ results }) },
          )
        })
      const { results } = await run('{ viewer { id } }')
      assert.deepEqual(results, [{ data: { viewer: { id: 'demo' } } }])
      const { error } = await run('{ nope }')
      assert.ok(error, 'a document that is not valid is an error')
      client.dispose()
    })
  }

  test('graphql-ws is turned away with Forbidden when its token is not good', async () => {
    const client = clients['graphql-ws'](demo, 'nonsense')
    const { error } = await follow(client).ended
    assert.equal(error.code, CloseCode.Forbidden)
  })

  test('graphql-sse is turned away with 401 when its token is not good', async () => {
    const client = clients['graphql-sse'](demo, 'nonsense')
    const { error } = await follow(client).ended
    assert.equal(error.response.status, 401)
  })

  test('clients are told when the gateway stops, which does not wait for them', async () => {
    const other = await startDemo()
    const [socket, events] = await Promise.all(
      Object.values(clients).map(async (connect) => {
        const client = connect(other)
        const watched = follow(client)
        await client.begun()
        return watched
      }),
    )
    await other.stop() // within its time, and with exit code 0
    assert.equal((await socket.ended).error.code, 1001)
    assert.ok((await events.ended).error, 'a stream that was cut is not complete')
  })
})
