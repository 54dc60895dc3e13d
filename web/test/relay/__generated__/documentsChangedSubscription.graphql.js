/**
 * @generated SignedSource<<f3fabd861df95392d5526eef06068985>>
 * @relayHash 4893ae9ccb1e53fdac1c4521dd4ab1d0
 * @lightSyntaxTransform
 */

/* eslint-disable */

'use strict';

// @relayRequestID 622a2cb8dfa7da22e49b8cd6facdc2e68e01b658fcb27ad5bfeb594f692dc315

var node = (function(){
var v0 = [
  {
    "alias": null,
    "args": null,
    "concreteType": "DataSourceLink",
    "kind": "LinkedField",
    "name": "connectionChanged",
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
];
return {
  "fragment": {
    "argumentDefinitions": [],
    "kind": "Fragment",
    "metadata": null,
    "name": "documentsChangedSubscription",
    "selections": (v0/*:: as any*/),
    "type": "Subscription",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": [],
    "kind": "Operation",
    "name": "documentsChangedSubscription",
    "selections": (v0/*:: as any*/)
  },
  "params": {
    "id": "622a2cb8dfa7da22e49b8cd6facdc2e68e01b658fcb27ad5bfeb594f692dc315",
    "metadata": {},
    "name": "documentsChangedSubscription",
    "operationKind": "subscription",
    "text": null
  }
};
})();

node.hash = "fdd0e0108ebcc85540bad95ac1248a32";

export default node;
