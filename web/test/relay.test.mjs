// Relay, as apps use it, against the gateway: documents by relay-compiler, a
// network whose fetch function sends texts or the ids of documents that the
// operator trusts, a store in which records are found again by their id.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { after, before, describe, test } from 'node:test'

import { createClient } from 'graphql-ws'
import relay from 'relay-runtime'
import WebSocket from 'ws'

import { startDemo } from './demo.mjs'
import accessLogQuery from './relay/__generated__/documentsAccessLogQuery.graphql.js'
import changedSubscription from './relay/__generated__/documentsChangedSubscription.graphql.js'
import connectionsQuery from './relay/__generated__/documentsConnectionsQuery.graphql.js'
import linkQuery from './relay/__generated__/documentsLinkQuery.graphql.js'
import revokeMutation from './relay/__generated__/documentsRevokeMutation.graphql.js'
import accessLog from './relay/__generated__/documents_accessLog.graphql.js'
import { startServe } from './serve.mjs'

const { Environment, Network, Observable, RecordSource, Store } = relay
const manifest = fileURLToPath(new URL('relay/persisted.json', import.meta.url))
const texts = JSON.parse(await readFile(manifest, 'utf8'))

// How a fetch function names the document of a request.
const byText = ({ id }) => ({ query: texts[id] })
const byID = ({ id }) => ({ documentId: id })

/** connect makes an environment. Each request is noted in `requests`, if given. */
function connect({ graphql, token, named = byText, requests = [] }) {
  const fetchFn = async (params, variables) => {
    const body = { ...named(params), operationName: params.name, variables }
    requests.push(body)
    const response = await fetch(graphql, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        Accept: 'application/graphql-response+json, application/json',
      },
      body: JSON.stringify(body),
    })
    return response.json()
  }
  let opened, answered
  const sockets = createClient({
    url: graphql.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${token}` },
    on: { connected: (socket) => (opened = socket), pong: (received) => received && answered?.() },
  })
  const subscribeFn = (params, variables) =>
    Observable.create((sink) => sockets.subscribe({ ...named(params), variables }, sink))
  const environment = new Environment({
    network: Network.create(fetchFn, subscribeFn),
    store: new Store(new RecordSource()),
  })
  // Operations over a WebSocket are taken up in order: whatever is answered
  // after a subscription was sent finds it begun.
  const begun = async () => {
    while (!opened) await soon()
    await new Promise((resolve) => {
      answered = resolve
      opened.send(JSON.stringify({ type: 'ping' }))
    })
  }
  return { environment, begun, close: () => sockets.dispose() }
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 5))

const run = (environment, query, variables) =>
  relay.fetchQuery(environment, query, variables, { fetchPolicy: 'network-only' }).toPromise()

const mutate = (environment, variables) =>
  new Promise((onCompleted, onError) =>
    relay.commitMutation(environment, {
      mutation: revokeMutation,
      variables,
      onError,
      onCompleted: (response, errors) => onCompleted({ response, errors }),
    }),
  )

/** statusOf is a link's status as the store has it. */
const statusOf = (environment, id) => environment.getStore().getSource().get(id)?.status

describe('Relay', { timeout: 120_000 }, () => {
  let demo

  before(async () => {
    demo = await startDemo()
  })
  after(() => demo?.stop())
  const connectDemo = (more) => connect({ graphql: demo.graphql, token: demo.tokens.demo, ...more })

  test('gets data for a query with variables, and finds a link again by its id', async () => {
    const { environment } = connectDemo()
    const { connections } = await run(environment, connectionsQuery, { dataSources: ['garmin', 'onetwentyone'] })
    assert.deepEqual(connections.map(({ dataSource }) => dataSource.name), ['Garmin', 'OneTwentyOne'])
    const { node } = await run(environment, linkQuery, { id: connections[0].id })
    assert.deepEqual(node, { id: connections[0].id, status: connections[0].status })
  })

  test('gets an error for a source that does not exist', async () => {
    const { environment } = connectDemo()
    const variables = { dataSources: ['nope'] }
    assert.deepEqual(await run(environment, connectionsQuery, variables), { connections: null })
    const operation = relay.createOperationDescriptor(relay.getRequest(connectionsQuery), variables)
    const [{ error }] = environment.lookup(operation.fragment).fieldErrors
    assert.equal(error.extensions.code, 'BAD_USER_INPUT')
    assert.match(error.message, /onetwentyone/, 'the message lists the sources that exist')
  })

  test('rejects a request that was never executed, and has its errors', async () => {
    const { environment } = connectDemo({ named: () => ({ query: 'query documentsConnectionsQuery { nope }' }) })
    await assert.rejects(run(environment, connectionsQuery, {}), ({ source }) => {
      assert.equal(source.errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED')
      return true
    })
  })

  test('is told by a subscription, and by a mutation, of a link that it has in its store', async () => {
    const watching = connectDemo()
    const { connections } = await run(watching.environment, connectionsQuery, { dataSources: ['onetwentyone'] })
    const { id } = connections[0]
    assert.equal(statusOf(watching.environment, id), 'CONNECTED')
    const subscription = relay.requestSubscription(watching.environment, { subscription: changedSubscription, variables: {} })

    const acting = connectDemo()
    await run(acting.environment, connectionsQuery, { dataSources: ['onetwentyone'] })
    await watching.begun()
    const { response, errors } = await mutate(acting.environment, { input: { dataSource: 'onetwentyone' } })
    assert.equal(errors, null)
    assert.equal(response.revoke.outcome, 'REVOKED_LOCALLY_ONLY')
    assert.equal(statusOf(acting.environment, id), 'REVOKED', 'by the mutation')
    for (const end = Date.now() + 10_000; statusOf(watching.environment, id) !== 'REVOKED'; ) {
      assert.ok(Date.now() < end, 'by the subscription')
      await soon()
    }
    subscription.dispose()
    watching.close()
  })

  test('goes through the access log page by page', async () => {
    const requests = []
    const { environment } = connectDemo({ requests })
    const operation = relay.createOperationDescriptor(relay.getRequest(accessLogQuery), { first: 1, after: null })
    const retained = environment.retain(operation)
    const shown = () => {
      const { viewer } = environment.lookup(operation.fragment).data
      return environment.lookup(relay.getSingularSelector(accessLog, viewer)).data.accessLog
    }
    await run(environment, accessLogQuery, { first: 1, after: null })
    const { pageInfo } = shown()
    assert.equal(shown().edges.length, 1)
    assert.equal(pageInfo.hasNextPage, true, 'the demo links its person, and the test before revoked')
    while (shown().pageInfo.hasNextPage) await run(environment, accessLogQuery, { first: 1, after: shown().pageInfo.endCursor })
    const actions = shown().edges.map(({ node }) => node.action)
    const { accessLog: whole } = await demo.ask('{ accessLog(first: 100) { nodes { action } } }')
    assert.deepEqual(actions, whole.nodes.map(({ action }) => action), 'all of them, in order, each once')
    assert.equal(requests.length, actions.length)
    retained.dispose()
  })
})

describe('Relay with documents that the operator trusts', { timeout: 120_000 }, () => {
  let gateway
  const secret = 'a secret of at least thirty-two bytes'

  before(async () => {
    gateway = await startServe({ JWT_SECRET: secret, TRUSTED_DOCUMENTS: manifest, TRUSTED_DOCUMENTS_MODE: 'enforce' })
  })
  after(() => gateway?.stop())

  test('sends the ids of relay-compiler, and the manifest that it wrote is the only one needed', async () => {
    const token = gateway.tokenFor('person-1', secret)
    const requests = []
    const { environment } = connect({ graphql: gateway.graphql, token, named: byID, requests })
    const { connections } = await run(environment, connectionsQuery, { dataSources: ['garmin'] })
    assert.equal(connections[0].status, 'NOT_CONNECTED')
    assert.equal(requests[0].query, undefined)

    const response = await fetch(gateway.graphql, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ query: '{ dataSources { id } }' }),
    })
    assert.equal((await response.json()).errors[0].extensions.code, 'DOCUMENT_NOT_TRUSTED')
  })
})
