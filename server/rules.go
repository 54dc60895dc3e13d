package server

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// validation gives the rules that documents are held to: the specification's, and two that gqlparser leaves out. Without
// suggestions a misspelt name is not answered with names of the schema; the executor replaces two rules more for that
// (rules.FieldsOnCorrectTypeRule and rules.ScalarLeafsRule).
func validation(suggestions bool) func() *rules.Rules {
	return func() *rules.Rules {
		all := rules.NewDefaultRules()
		all.AddRule("NumbersFit", numbersFit)
		all.AddRule("DefaultsAreNotForNull", defaultsAreNotForNull)
		if !suggestions {
			all.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
			all.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
			all.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
		}
		return all
	}
}

// numbersFit refuses numbers in a document that no Go number holds. Where a scalar of ours is expected, nobody else looks before
// gqlparser reads them, and panics.
func numbersFit(observers *core.Events, addError core.AddErrFunc) {
	observers.OnValue(func(_ *core.Walker, value *ast.Value) {
		var err error
		switch value.Kind { //nolint:exhaustive // the others are no numbers
		case ast.IntValue:
			_, err = strconv.ParseInt(value.Raw, 10, 64)
		case ast.FloatValue:
			_, err = strconv.ParseFloat(value.Raw, 64)
		}
		if err != nil {
			addError(core.Message("a number is too large"), core.At(value.Position))
		}
	})
}

// defaultsAreNotForNull makes a variable that has a default, and stands where null may not, refuse null. The specification lets
// such a variable be declared without `!`, and leaves it to the execution to fail; gqlgen panics there. So the declaration in the
// parsed document, which is this operation's alone, is given its `!`.
func defaultsAreNotForNull(observers *core.Events, _ core.AddErrFunc) {
	observers.OnValue(func(_ *core.Walker, value *ast.Value) {
		if value.Kind != ast.Variable || value.ExpectedType == nil || !value.ExpectedType.NonNull {
			return
		}
		declared := value.VariableDefinition
		if declared == nil || declared.Type.NonNull || declared.DefaultValue == nil || declared.DefaultValue.Kind == ast.NullValue {
			return
		}
		notNull := *declared.Type
		notNull.NonNull = true
		declared.Type = &notNull
	})
}
