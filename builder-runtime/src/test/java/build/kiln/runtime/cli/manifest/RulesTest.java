package build.kiln.runtime.cli.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RulesTest {
  private static final List<JsonNode> SCHEMAS =
      List.of(Schemas.imageBuild(), Schemas.imageMirror(), Schemas.prunePolicy());

  /** A rule that is added to the CRD, or changed, needs its row in Java; one that goes loses it. */
  @Test
  void theRulesInJavaAreTheRulesOfTheCrds() {
    Set<String> rules = new TreeSet<>();
    for (JsonNode schema : SCHEMAS) {
      for (JsonNode validations : schema.findValues("x-kubernetes-validations")) {
        validations.forEach(validation -> rules.add(validation.path("rule").asText()));
      }
    }

    assertThat(rules).hasSizeGreaterThan(15);
    assertThat(Rules.known()).containsExactlyInAnyOrderElementsOf(rules);
  }

  @Test
  void aRuleThatHasNoRowIsNotTakenForKept() {
    assertThatThrownBy(() -> Rules.keeps("self == 1", JsonNodeFactory.instance.numberNode(1)))
        .isInstanceOf(IllegalStateException.class);
  }

  /** Expressions are compiled when they are used. */
  @ParameterizedTest
  @MethodSource("rules")
  void everyRuleCanBeAsked(String rule) {
    Rules.keeps(rule, JsonNodeFactory.instance.textNode("1h"));
  }

  static Set<String> rules() {
    return Rules.known();
  }

  /** What a rule may say besides its text and place would be left out silently. */
  @Test
  void schemasUseOnlyWhatIsChecked() {
    Set<String> known =
        Set.of(
            "type",
            "description",
            "default",
            "properties",
            "required",
            "items",
            "enum",
            "additionalProperties",
            "anyOf",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "minProperties",
            "maxProperties",
            "minimum",
            "maximum",
            "x-kubernetes-int-or-string",
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-list-type",
            "x-kubernetes-list-map-keys",
            "x-kubernetes-validations");

    Set<String> used = new TreeSet<>();
    SCHEMAS.forEach(schema -> collect(schema, used));

    assertThat(known).containsAll(used);
  }

  private static void collect(JsonNode schema, Set<String> used) {
    schema.fieldNames().forEachRemaining(used::add);
    schema.path("properties").forEach(child -> collect(child, used));
    for (String below : new String[] {"items", "additionalProperties"}) {
      if (schema.path(below).isObject()) {
        collect(schema.path(below), used);
      }
    }
    schema
        .path("x-kubernetes-validations")
        .forEach(
            rule ->
                assertThat(rule.fieldNames())
                    .toIterable()
                    .isSubsetOf("rule", "message", "fieldPath"));
  }
}
