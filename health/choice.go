package health

// ChoicePolicy is how a day takes one of several upstreams' figures.
type ChoicePolicy string

// The policies.
const (
	ChooseHighest   ChoicePolicy = "HIGHEST"   // ties: the upstream that comes first in the catalogue
	ChoosePreferred ChoicePolicy = "PREFERRED" // the first of an order of data sources that has a figure, then the others
	ChooseOnly      ChoicePolicy = "ONLY"      // one data source's, or none
)

// ChoiceInput is a policy as a caller asks for it.
type ChoiceInput struct {
	Policy      ChoicePolicy
	DataSources []string // the order of ChoosePreferred, or the one of ChooseOnly
}

// CandidateReason says why a candidate was or was not chosen.
type CandidateReason string

// The reasons.
const (
	ReasonOnly         CandidateReason = "ONLY_FIGURE"   // chosen: no other upstream has a figure for the day
	ReasonHighest      CandidateReason = "HIGHEST"       // chosen: no other figure is higher
	ReasonNotHighest   CandidateReason = "NOT_HIGHEST"   // another figure is higher
	ReasonTie          CandidateReason = "TIE"           // as high as the chosen one, whose upstream comes first in the catalogue
	ReasonPreferred    CandidateReason = "PREFERRED"     // chosen: none that is preferred has a figure
	ReasonNotPreferred CandidateReason = "NOT_PREFERRED" // another is preferred
	ReasonAskedFor     CandidateReason = "ASKED_FOR"     // chosen: the one that was asked for
	ReasonNotAskedFor  CandidateReason = "NOT_ASKED_FOR" // only another data source was asked for
	ReasonNoFigure     CandidateReason = "NO_FIGURE"     // nothing to choose; presence says why
	ReasonMergedSource CandidateReason = "MERGED_SOURCE" // the figure mixes in data sources that were not asked for
)
