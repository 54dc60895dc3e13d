// The GraphQL clients that apps use, against the demo: each one gets data for a
// query with variables, and an error that it can tell by its code.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client/core'
import { CombinedGraphQLErrors } from '@apollo/client/errors'
import { Client, fetchExchange } from '@urql/core'
import { ClientError, GraphQLClient } from 'graphql-request'

import { startDemo } from './demo.mjs'

const query = `query Connections($dataSources: [ID!]) {
  connections(dataSources: $dataSources) {
    id
    status
    dataSource { id name connector }
  }
}`

// Each client as a function that runs the query, and returns its data and the
// GraphQL errors, wherever the client has them.
const clients = {
  'Apollo Client': (endpoint, headers) => {
    const client = new ApolloClient({ link: new HttpLink({ uri: endpoint, headers }), cache: new InMemoryCache() })
    return async (variables) => {
      const { data, error } = await client.query({ query: gql(query), variables, errorPolicy: 'all' })
      if (error && !CombinedGraphQLErrors.is(error)) throw error
      return { data, errors: error?.errors }
    }
  },

  urql: (endpoint, headers) => {
    const client = new Client({
      url: endpoint,
      exchanges: [fetchExchange],
      fetchOptions: { headers },
      preferGetMethod: false,
    })
    return async (variables) => {
      const { data, error } = await client.query(query, variables).toPromise()
      if (error?.networkError) throw error.networkError
      return { data, errors: error?.graphQLErrors }
    }
  },

  'graphql-request': (endpoint, headers) => {
    const client = new GraphQLClient(endpoint, { headers })
    return async (variables) => {
      try {
        return { data: await client.request(query, variables) }
      } catch (error) {
        if (!(error instanceof ClientError)) throw error
        return { data: error.response.data, errors: error.response.errors }
      }
    }
  },
}

describe('GraphQL clients', { timeout: 120_000 }, () => {
  let demo

  before(async () => {
    demo = await startDemo()
  })
  after(() => demo?.stop())

  for (const [name, connect] of Object.entries(clients)) {
    const ask = (variables) => connect(demo.graphql, { Authorization: `Bearer ${demo.tokens.demo}` })(variables)

    test(`${name} gets data for a query with variables`, async () => {
      const { data, errors } = await ask({ dataSources: ['onetwentyone'] })
      assert.equal(errors, undefined)
      assert.equal(data.connections.length, 1)
      assert.equal(data.connections[0].dataSource.id, 'onetwentyone')
      assert.equal(data.connections[0].dataSource.name, 'OneTwentyOne')
    })

    test(`${name} gets an error for a source that does not exist`, async () => {
      const { errors } = await ask({ dataSources: ['nope'] })
      assert.equal(errors?.length, 1)
      assert.equal(errors[0].extensions.code, 'BAD_USER_INPUT')
      assert.match(errors[0].message, /onetwentyone/, 'the message lists the sources that exist')
    })
  }
})
