// The gateway's pages in a browser, against the demo: what a person does with
// them, clicked through.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'

import { launch, openPage } from './browser.mjs'
import { startDemo } from './demo.mjs'

describe('in a browser', { timeout: 180_000 }, () => {
  let demo, browser

  before(async () => {
    browser = await launch()
    demo = await startDemo()
  })
  after(async () => {
    await browser?.close()
    await demo?.stop()
  })

  test('the Playground runs its first query and shows the documentation', async () => {
    const { page, strays, complaints } = await openPage(browser, [demo.gateway])
    const headers = (await page.goto(demo.playground)).headers()
    assert.match(headers['content-security-policy'], /^default-src 'none'; script-src 'self'; /)
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
    assert.equal(await page.title(), 'healthgraph Playground')

    // The editors' texts are read from Monaco, as it draws only the lines in
    // view. That it draws them is seen by waiting for some.
    const { query } = JSON.parse(await page.locator('#config').textContent())
    await page.locator('.graphiql-query-editor .view-line').first().waitFor()
    assert.equal(await page.evaluate(editorText, 'operation.graphql'), query)
    assert.match(await page.evaluate(editorText, 'request-headers.json'), /"Authorization": "Bearer /)

    await execute(page)
    await page.locator('.result-window .view-line').getByText('"data"').waitFor()
    const result = await page.evaluate(editorText, 'response.json')
    assert.equal(JSON.parse(result).errors, undefined)
    assert.match(result, /"rook"/, 'the answer has sources of ROOK')
    assert.match(result, /"steps": \d+/, 'the answer has steps')

    const { __type: type } = await demo.ask('{ __type(name: "Query") { fields { name description } } }')
    const { description } = type.fields.find((field) => field.name === 'connections')
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click()
    const docs = page.locator('.graphiql-doc-explorer')
    await docs.getByRole('link', { name: 'Query', exact: true }).click()
    await docs.getByRole('link', { name: 'connections', exact: true }).click()
    await docs.getByText('Arguments').waitFor()
    assert.ok(words(await docs.innerText()).includes(words(description).slice(0, 60)), 'the field is described')

    // GraphiQL keeps its tabs a moment after the last change.
    await page.waitForFunction(() => localStorage.getItem('graphiql:tabState'))
    assert.equal(await page.evaluate(keptToken, demo.tokens.demo), false, 'the token is in no storage')
    assert.deepEqual(strays, [], 'no other host was asked for anything')
    assert.deepEqual(complaints, [], 'no script failed, and the policy stopped nothing')
  })

  test('on a phone the answer stands below the query, as wide as it', async () => {
    const { page } = await openPage(browser, [demo.gateway])
    await page.setViewportSize({ width: 390, height: 800 })
    await page.goto(demo.playground)
    await page.locator('.graphiql-query-editor .view-line').first().waitFor()
    await execute(page)
    await page.locator('.result-window .view-line').getByText('"data"').waitFor()
    const [query, answer] = await Promise.all(['.graphiql-editors', '.result-window'].map((part) => page.locator(part).boundingBox()))
    assert.ok(answer.y >= query.y + query.height - 1 && answer.width > 200, `the answer is ${JSON.stringify(answer)}, the query ${JSON.stringify(query)}`)
  })

  test('the Playground subscribes with the token of its headers, and shows what changes', async () => {
    await demo.link()
    const { page, strays, complaints } = await openPage(browser, [demo.gateway])
    await page.goto(demo.playground)
    await page.locator('.graphiql-query-editor .view-line').first().waitFor()
    await page.evaluate(setOperation, `subscription Watch {
  connectionChanged { status dataSource { id } }
}`)
    // GraphiQL reads what was written a moment later: that it did is seen in the tab.
    await page.getByRole('tab', { name: 'Watch' }).waitFor()
    const [socket] = await Promise.all([page.waitForEvent('websocket'), execute(page)])
    assert.equal(socket.url(), demo.graphql.replace(/^http/, 'ws'))

    // The first change may be before the gateway has taken the subscription up; what comes later is not.
    const shown = () => page.evaluate(editorText, 'response.json')
    for (let change = 0; !(await shown()).includes('connectionChanged'); change++) {
      assert.ok(change < 20, `no change was shown, but ${await shown()}`)
      if (change % 2) await demo.link()
      else await demo.ask('mutation { revoke(input: { dataSource: "onetwentyone" }) { outcome } }')
      await page.waitForTimeout(500)
    }
    const { data } = JSON.parse(await shown())
    assert.equal(data.connectionChanged.dataSource.id, 'onetwentyone')
    assert.match(data.connectionChanged.status, /^(REVOKED|CONNECTED)$/)
    await page.locator('.result-window .view-line').getByText('"connectionChanged"').waitFor()

    const closed = socket.waitForEvent('close')
    await page.getByRole('button', { name: 'Stop query' }).click()
    await closed

    assert.equal(await page.evaluate(keptToken, demo.tokens.demo), false, 'the token is in no storage')
    assert.deepEqual(strays, [], 'no other host was asked for anything')
    assert.deepEqual(complaints, [], 'no script failed, and the policy stopped nothing')
  })

  for (const { button, says, status } of [
    { button: 'Allow', says: 'OneTwentyOne is connected', status: /^CONNECTED$/ },
    { button: 'Deny', says: 'Access was not given', status: /^(NOT_CONNECTED|REVOKED)$/ },
  ]) {
    test(`a person links OneTwentyOne, and answers its consent page with ${button}`, async () => {
      const allowed = [demo.gateway, origin(demo.onetwentyone)]
      const { page, strays, complaints } = await openPage(browser, allowed)
      // The demo's person is linked already.
      await demo.ask('mutation { revoke(input: { dataSource: "onetwentyone" }) { outcome link { status } } }')
      const { authorizationUrl } = await demo.ask('{ authorizationUrl(dataSource: "onetwentyone") { url } }')

      await page.goto(authorizationUrl.url)
      await page.getByRole('button', { name: button }).click()
      await page.waitForURL((url) => url.pathname === '/demo/return')
      await page.getByRole('heading', { name: says }).waitFor()

      // The code leaves the address bar once it was used.
      await page.waitForURL(`${demo.gateway}/demo/return`)
      const { connections } = await demo.ask('{ connections(dataSources: ["onetwentyone"]) { status } }')
      assert.match(connections[0].status, status)
      assert.equal(await page.getByRole('link', { name: 'Playground' }).getAttribute('href'), '/playground')
      assert.deepEqual(strays, [], 'no other host was asked for anything')
      assert.deepEqual(complaints, [], 'no script failed, and the policy stopped nothing')
    })
  }

  test('no page of another origin may show the Playground in itself', async () => {
    const frame = `<iframe src="${demo.playground}"></iframe>`
    const elsewhere = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(frame))
    await new Promise((ready) => elsewhere.listen(0, '127.0.0.1', ready))
    try {
      const address = `http://127.0.0.1:${elsewhere.address().port}`
      const { page } = await openPage(browser, [demo.gateway, address])
      const refused = page.waitForEvent('console', (message) => /refused to frame|framing/i.test(message.text()))
      await page.goto(address)
      await refused
      assert.equal(await page.frames()[1].locator('#playground').count(), 0)
    } finally {
      elsewhere.close()
    }
  })

  test("a page of another origin may ask the demo's gateway, with a token", async () => {
    const elsewhere = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<p>elsewhere'))
    await new Promise((ready) => elsewhere.listen(0, '127.0.0.1', ready))
    try {
      const address = `http://127.0.0.1:${elsewhere.address().port}`
      const { page, strays } = await openPage(browser, [demo.gateway, address])
      await page.goto(address)
      const answer = await page.evaluate(askFromPage, { endpoint: demo.graphql, token: demo.tokens.demo })
      assert.equal(answer.errors, undefined)
      assert.notEqual(answer.data.connections.length, 0)
      assert.deepEqual(strays, [])
    } finally {
      elsewhere.close()
    }
  })
})

/** execute runs what stands in the editor. */
async function execute(page) {
  await page.locator('.graphiql-query-editor .view-lines').click()
  await page.keyboard.press('Control+Enter')
}

const origin = (address) => new URL(address).origin

/** words makes texts comparable that differ in marks only, as Markdown may change these. */
const words = (text) => text.replace(/\W+/g, ' ').trim()

// The functions below run in the page.

function editorText(name) {
  // GraphiQL leaves Monaco there for its own use.
  return globalThis.__MONACO.editor
    .getModels()
    .find((model) => model.uri.path.endsWith(name))
    .getValue()
}

function setOperation(text) {
  globalThis.__MONACO.editor
    .getModels()
    .find((model) => model.uri.path.endsWith('operation.graphql'))
    .setValue(text)
}

function keptToken(token) {
  return [localStorage, sessionStorage].some((storage) => JSON.stringify({ ...storage }).includes(token))
}

async function askFromPage({ endpoint, token }) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: '{ connections { status } }' }),
  })
  return response.json()
}
