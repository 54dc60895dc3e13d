/**
 * @generated SignedSource<<04c3ef890a5b791d1a047b056028d532>>
 * @relayHash e648a77e0349f41793f780ec3ecfcf6b
 * @lightSyntaxTransform
 */

/* eslint-disable */

'use strict';

// @relayRequestID 5971e8335a7d4f3cd244adc91c878fb08f715dbbae2a2bfa71cceb355ed82112

var node = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "dataSources"
  }
],
v1 = {
  "alias": null,
  "args": null,
  "kind": "ScalarField",
  "name": "id",
  "storageKey": null
},
v2 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Variable",
        "name": "dataSources",
        "variableName": "dataSources"
      }
    ],
    "concreteType": "DataSourceLink",
    "kind": "LinkedField",
    "name": "connections",
    "plural": true,
    "selections": [
      (v1/*:: as any*/),
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "status",
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "concreteType": "DataSource",
        "kind": "LinkedField",
        "name": "dataSource",
        "plural": false,
        "selections": [
          (v1/*:: as any*/),
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "name",
            "storageKey": null
          }
        ],
        "storageKey": null
      }
    ],
    "storageKey": null
  }
];
return {
  "fragment": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Fragment",
    "metadata": null,
    "name": "documentsConnectionsQuery",
    "selections": (v2/*:: as any*/),
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "documentsConnectionsQuery",
    "selections": (v2/*:: as any*/)
  },
  "params": {
    "id": "5971e8335a7d4f3cd244adc91c878fb08f715dbbae2a2bfa71cceb355ed82112",
    "metadata": {},
    "name": "documentsConnectionsQuery",
    "operationKind": "query",
    "text": null
  }
};
})();

node.hash = "faa28641c61ea1398182a4ba8846ce6b";

export default node;
