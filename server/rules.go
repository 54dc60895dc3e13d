package server

import "github.com/vektah/gqlparser/v2/validator/rules"

// withoutSuggestions are the rules of validation, without the ones that answer a misspelt name with names of the schema. The
// executor replaces two of them itself (rules.FieldsOnCorrectTypeRule and rules.ScalarLeafsRule).
func withoutSuggestions() *rules.Rules {
	all := rules.NewDefaultRules()
	all.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	return all
}
