// What tools and clients do with documents: introspection in every form that
// graphql-js writes, and Apollo Client's persisted queries.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { buildClientSchema, getIntrospectionQuery } from 'graphql'

import { startDemo } from './demo.mjs'

const sha256 = (text) => createHash('sha256').update(text).digest('hex')

describe('documents', { timeout: 120_000 }, () => {
  let demo

  before(async () => {
    demo = await startDemo()
  })
  after(() => demo?.stop())

  test('the schema is told to every introspection query of graphql-js', async () => {
    const options = ['descriptions', 'specifiedByUrl', 'directiveIsRepeatable', 'schemaDescription', 'inputValueDeprecation', 'oneOf']
    for (let chosen = 0; chosen < 1 << options.length; chosen++) {
      const query = getIntrospectionQuery(Object.fromEntries(options.map((name, i) => [name, Boolean(chosen & (1 << i))])))
      assert.ok(buildClientSchema(await demo.ask(query)).getType('StepCount'))
    }
  })

  for (const useGETForHashedQueries of [false, true]) {
    test(`Apollo Client sends a document once, and then its hash (GET: ${useGETForHashedQueries})`, async () => {
      const query = gql`query Persisted${useGETForHashedQueries} { viewer { id } }`
      const requests = []
      const client = new ApolloClient({
        cache: new InMemoryCache(),
        defaultOptions: { query: { fetchPolicy: 'no-cache' } },
        link: ApolloLink.from([
          new PersistedQueryLink({ sha256, useGETForHashedQueries }),
          new HttpLink({
            uri: demo.graphql,
            headers: { Authorization: `Bearer ${demo.tokens.demo}` },
            fetch: async (address, init) => {
              const params = init.body ? JSON.parse(init.body) : Object.fromEntries(new URL(address).searchParams)
              const response = await fetch(address, init)
              const { errors } = await response.clone().json()
              requests.push({ method: init.method, sent: params.query !== undefined, status: response.status, code: errors?.[0].extensions.code })
              return response
            },
          }),
        ]),
      })
      for (let i = 0; i < 2; i++) {
        const { data, error } = await client.query({ query })
        assert.equal(error, undefined)
        assert.equal(data.viewer.id, 'demo')
      }
      const hashed = useGETForHashedQueries ? 'GET' : 'POST'
      assert.deepEqual(requests, [
        { method: hashed, sent: false, status: 400, code: 'PERSISTED_QUERY_NOT_FOUND' },
        { method: 'POST', sent: true, status: 200, code: undefined },
        { method: hashed, sent: false, status: 200, code: undefined },
      ])
    })
  }
})
