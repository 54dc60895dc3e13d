// Chromium, as the tests use it: the system's own, without a way out.

import { existsSync } from 'node:fs'

import { chromium } from 'playwright-core'

import { required } from './required.mjs'

const executablePath = process.env.CHROMIUM || '/usr/bin/chromium'
required(existsSync(executablePath), `there is no ${executablePath}: run scripts/setup-test, or name a Chromium in CHROMIUM`)

const flags = [
  // No host but this machine's loopback address, by name or by number. This
  // rather than Playwright's routing, which answers preflight requests itself,
  // so that a test would not see what the gateway says to them.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  // None of Chromium's own errands.
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** launch starts Chromium, without its sandbox for root, which can't have it. */
export async function launch() {
  const asRoot = process.getuid?.() === 0
  return chromium.launch({ executablePath, args: asRoot ? ['--no-sandbox', ...flags] : flags })
}

/**
 * openPage opens an empty page. It returns the page and two lists that fill as
 * it is used: `strays`, the requests to other origins than those given (to other
 * hosts, they also fail), and `complaints`, the errors of its scripts and what
 * its Content-Security-Policy stopped.
 */
export async function openPage(browser, origins) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
  const strays = []
  const complaints = []
  const record = (url) => {
    // data: and blob: are in the page already; their origin is "null".
    const { origin, protocol } = new URL(url)
    if (!['data:', 'blob:'].includes(protocol) && !origins.includes(origin)) strays.push(url)
  }

  const page = await context.newPage()
  context.on('request', (request) => record(request.url()))
  page.on('websocket', (socket) => record(socket.url().replace(/^ws/, 'http')))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text())
  })
  return { page, strays, complaints }
}
