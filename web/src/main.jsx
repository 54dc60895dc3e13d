import 'graphiql/setup-workers/vite'
import 'graphiql/style.css'
import './playground.css'

import { createGraphiQLFetcher } from '@graphiql/toolkit'
import { GraphiQL } from 'graphiql'
import { createRoot } from 'react-dom/client'

import { readConfig } from './config.js'

const config = readConfig(document.getElementById('config').textContent)

const fetcher = createGraphiQLFetcher({
  url: config.endpoint,
  // Over graphql-transport-ws, which gets the headers as connection parameters.
  subscriptionUrl: config.subscriptions,
  // GraphiQL asks for the schema before its headers editor is there, so that
  // this one request needs the first headers from elsewhere. Once the editor
  // is there, what it says wins.
  schemaFetcher: createGraphiQLFetcher({
    url: config.endpoint,
    headers: config.headers,
  }),
})

function Playground() {
  return (
    <GraphiQL
      fetcher={fetcher}
      initialQuery={config.query}
      initialVariables={config.variables}
      initialHeaders={config.headersText}
      // For further tabs, and for those of an earlier visit.
      defaultHeaders={config.headersText}
      defaultEditorToolsVisibility="headers"
      // The token stays in the page: neither do the headers go to local
      // storage, nor is there GraphiQL's history, which would write them there
      // beside each query whatever shouldPersistHeaders says.
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
      plugins={[]}
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <span className="healthgraph-logo">healthgraph</span>
      </GraphiQL.Logo>
    </GraphiQL>
  )
}

createRoot(document.getElementById('playground')).render(<Playground />)
