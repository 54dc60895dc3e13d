package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"

	"healthgraph/tokens"
)

const awsPrefix = "aws-kms://"

// awsKMS is AWS KMS: aws-kms://ARN, where the ARN is a key's or an alias'. Its region is the ARN's. Credentials come from where
// the AWS SDK looks for them: AWS_ACCESS_KEY_ID and its like, a profile, a container's or machine's role. The SDK's own log
// lines, which would stand beside ours on standard error, are left out.
func awsKMS() tokens.KMS { return tokens.KMS{Prefix: awsPrefix, Client: newAWS, Explain: explainAWS} }

func newAWS(uri string) (tokens.KMSClient, error) {
	key, err := arn.Parse(strings.TrimPrefix(uri, awsPrefix))
	if err != nil || key.Service != "kms" || key.Region == "" || !strings.Contains(key.Resource, "/") {
		return nil, kmsError("does not take this URI: it must be like aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID")
	}
	ctx := context.Background() // nothing is asked before the first call
	settings, err := config.LoadDefaultConfig(ctx, config.WithRegion(key.Region), config.WithLogger(logging.Nop{}), config.WithHTTPClient(
		awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DisableKeepAlives = true }), // calls are days apart
	))
	if err != nil {
		return nil, kmsError("can't be set up: the AWS variables or files of the environment are not whole")
	}
	return awskms.NewClientWithOptions(ctx, uri, awskms.WithKMS(boundedKMS{kms.NewFromConfig(settings)}))
}

// boundedKMS gives calls a deadline, which Tink's interface has no place for.
type boundedKMS struct{ client *kms.Client }

// Encrypt is the client's.
func (b boundedKMS) Encrypt(ctx context.Context, in *kms.EncryptInput, options ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, kmsTimeout)
	defer cancel()
	return b.client.Encrypt(ctx, in, options...)
}

// Decrypt is the client's.
func (b boundedKMS) Decrypt(ctx context.Context, in *kms.DecryptInput, options ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, kmsTimeout)
	defer cancel()
	return b.client.Decrypt(ctx, in, options...)
}

func explainAWS(err error) string {
	var ours kmsError
	var refusal smithy.APIError
	var answer *awshttp.ResponseError
	switch {
	case errors.As(err, &ours):
		return ours.Error()
	case errors.As(err, &refusal):
		switch refusal.ErrorCode() {
		case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignature",
			"ExpiredTokenException", "InvalidClientTokenId", "MissingAuthenticationTokenException":
			return kmsRefusesCaller
		case "NotFoundException":
			return "has no such key: is the ARN in the URI whole, and its region the right one?"
		case "DisabledException", "KMSInvalidStateException":
			return "has switched this key off: enable it, or cancel its deletion"
		case "InvalidCiphertextException", "IncorrectKeyException":
			return kmsAnotherKey
		}
	}
	if errors.As(err, &answer) && answer.HTTPStatusCode() > 0 {
		return kmsStatus(answer.HTTPStatusCode())
	}
	return kmsUnreachable + " Or the environment has no AWS credentials"
}
