/**
 * @generated SignedSource<<673dcf94ff3789a5b946dd60b6e4f76a>>
 * @relayHash 0af2ccd210c44646471e37b0b4fd8be6
 * @lightSyntaxTransform
 */

/* eslint-disable */

'use strict';

// @relayRequestID 80fa95b60ffd8c1152cb1b656d78c7d874508b36ab4bdf2820a6defd342be5e1

var node = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "input"
  }
],
v1 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Variable",
        "name": "input",
        "variableName": "input"
      }
    ],
    "concreteType": "RevokePayload",
    "kind": "LinkedField",
    "name": "revoke",
    "plural": false,
    "selections": [
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "outcome",
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "concreteType": "DataSourceLink",
        "kind": "LinkedField",
        "name": "link",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "id",
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "status",
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
    "name": "documentsRevokeMutation",
    "selections": (v1/*:: as any*/),
    "type": "Mutation",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "documentsRevokeMutation",
    "selections": (v1/*:: as any*/)
  },
  "params": {
    "id": "80fa95b60ffd8c1152cb1b656d78c7d874508b36ab4bdf2820a6defd342be5e1",
    "metadata": {},
    "name": "documentsRevokeMutation",
    "operationKind": "mutation",
    "text": null
  }
};
})();

node.hash = "9baefebac258b3744f35311caf60300b";

export default node;
