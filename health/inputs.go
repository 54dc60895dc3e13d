package health

import "time"

// CompleteAuthorizationInput is what the browser brought back from a consent page.
type CompleteAuthorizationInput struct {
	URL        URL
	DataSource *DataSourceID
	UserID     *UserID
}

// CompleteAuthorizationPayload is a link after the person came back.
type CompleteAuthorizationPayload struct {
	Link    DataSourceLink
	Problem *Problem
}

// LinkPersonalAccessTokenInput is a token that a person made for themselves at an upstream, and whose it is.
type LinkPersonalAccessTokenInput struct {
	DataSource DataSourceID
	AccountID  string
	Token      Secret
	UserID     *UserID
}

// LinkPersonalAccessTokenPayload is the link that a personal access token made.
type LinkPersonalAccessTokenPayload struct{ Link DataSourceLink }

// RevokeInput says which link to end.
type RevokeInput struct {
	DataSource DataSourceID
	UserID     *UserID
}

// RevokePayload is what a revocation achieved.
type RevokePayload struct {
	Outcome       RevokeOutcome
	Link          DataSourceLink
	LateDataUntil *time.Time
	Problem       *Problem
}

// RevokeAllInput says whose links to end.
type RevokeAllInput struct{ UserID *UserID }

// RevokeAllPayload is what ending every link of a person achieved.
type RevokeAllPayload struct {
	Results  []RevokePayload
	Complete bool // none of them failed
}

// EraseUserInput says whom to forget.
type EraseUserInput struct{ UserID *UserID }

// EraseUserPayload is what forgetting a person achieved.
type EraseUserPayload struct {
	Results     []RevokePayload
	Erased      bool
	DeletedRows int
}
