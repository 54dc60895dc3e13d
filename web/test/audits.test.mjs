// The official audits of GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/),
// all of them, against the demo. Each audit is a test of its own, so that a
// failure names the sentence of the draft that it breaks.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { serverAudits } from 'graphql-http'

import { startDemo } from './demo.mjs'

test('the official audits of GraphQL over HTTP', async (t) => {
  const demo = await startDemo()
  t.after(() => demo.stop())
  const audits = serverAudits({
    url: demo.graphql,
    fetchFn: (url, init = {}) =>
      fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${demo.tokens.demo}` } }),
  })
  assert.equal(audits.length, 61)
  for (const audit of audits) {
    await t.test(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn()
      assert.equal(result.status, 'ok', result.reason)
    })
  }
})
