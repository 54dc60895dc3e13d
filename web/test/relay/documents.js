// The documents of the Relay tests. Nothing imports this file: relay-compiler
// reads it, and writes __generated__ and persisted.json. After a change:
//
//   cd test/relay && ../../../bin/healthgraph schema >schema.graphql && npx relay-compiler@21.0.1 relay.config.json
//
// The compiler is not among the packages of package.json: it brings 118 MB of programs.

import { graphql } from 'relay-runtime'

graphql`
  query documentsConnectionsQuery($dataSources: [ID!]) {
    connections(dataSources: $dataSources) {
      id
      status
      dataSource {
        id
        name
      }
    }
  }
`

graphql`
  query documentsLinkQuery($id: ID!) {
    node(id: $id) {
      id
      ... on DataSourceLink {
        status
      }
    }
  }
`

graphql`
  mutation documentsRevokeMutation($input: RevokeInput!) {
    revoke(input: $input) {
      outcome
      link {
        id
        status
      }
    }
  }
`

graphql`
  subscription documentsChangedSubscription {
    connectionChanged {
      id
      status
    }
  }
`

graphql`
  fragment documents_accessLog on User
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" }) {
    accessLog(first: $first, after: $after) @connection(key: "documents_accessLog") {
      edges {
        node {
          action
          at
        }
      }
    }
  }
`

graphql`
  query documentsAccessLogQuery($first: Int!, $after: String) {
    viewer {
      id
      ...documents_accessLog @arguments(first: $first, after: $after)
    }
  }
`
