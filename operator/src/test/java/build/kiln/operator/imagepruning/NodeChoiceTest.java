package build.kiln.operator.imagepruning;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec.NodeLimits;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Nodes;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Toleration;
import io.fabric8.kubernetes.api.model.TolerationBuilder;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which nodes are pruned, and why others are passed over. */
class NodeChoiceTest {
  static NodeBuilder node(String name) {
    return new NodeBuilder()
        .withNewMetadata()
        .withName(name)
        .withUid("uid-" + name)
        .addToLabels("kubernetes.io/os", "linux")
        .addToLabels("pool", "web")
        .endMetadata()
        .withNewSpec()
        .endSpec()
        .withNewStatus()
        .addNewCondition()
        .withType("Ready")
        .withStatus("True")
        .endCondition()
        .endStatus();
  }

  private static Node tainted(String key, @Nullable String value, String effect) {
    return node("n")
        .editSpec()
        .addNewTaint()
        .withKey(key)
        .withValue(value)
        .withEffect(effect)
        .endTaint()
        .endSpec()
        .build();
  }

  static Nodes rules(@Nullable Map<String, String> selector, Toleration... tolerations) {
    return new Nodes("168h", selector, List.of(tolerations), null, null, new NodeLimits(200, 90));
  }

  private static List<String> names(List<Node> nodes) {
    return nodes.stream().map(node -> node.getMetadata().getName()).toList();
  }

  private static String why(Node node, Toleration... tolerations) {
    var choice = NodeChoice.of(List.of(node), rules(null, tolerations), List.of());
    assertThat(choice.chosen().size() + choice.skipped().size()).isEqualTo(1);
    return choice.skipped().isEmpty() ? "" : choice.skipped().getFirst().why();
  }

  @Test
  void whatAllPodsTolerateKeepsNoneAway() {
    var choice =
        NodeChoice.of(
            List.of(tainted("gpu", "yes", "NoSchedule")),
            rules(null),
            List.of(new TolerationBuilder().withKey("gpu").withOperator("Exists").build()));
    assertThat(names(choice.chosen())).containsExactly("n");
  }

  @Test
  void allThatAreReadyByName() {
    var choice =
        NodeChoice.of(List.of(node("b").build(), node("a").build()), rules(null), List.of());
    assertThat(names(choice.chosen())).containsExactly("a", "b");
    assertThat(choice.skipped()).isEmpty();
  }

  @Test
  void theSelectorLeavesOutWithoutAWord() {
    var other = node("b").editMetadata().addToLabels("pool", "db").endMetadata().build();
    var choice =
        NodeChoice.of(List.of(node("a").build(), other), rules(Map.of("pool", "web")), List.of());
    assertThat(names(choice.chosen())).containsExactly("a");
    assertThat(choice.skipped()).isEmpty();
  }

  @Test
  void whatNoPodWouldRunOnIsPassedOver() {
    assertThat(
            why(
                node("n")
                    .editStatus()
                    .editFirstCondition()
                    .withStatus("Unknown")
                    .endCondition()
                    .endStatus()
                    .build()))
        .isEqualTo("it is not ready");
    assertThat(why(node("n").withStatus(null).build())).isEqualTo("it is not ready");
    assertThat(
            why(
                node("n")
                    .editMetadata()
                    .addToLabels("kubernetes.io/os", "windows")
                    .endMetadata()
                    .build()))
        .isEqualTo("it is not of Linux");
    assertThat(
            why(
                node("n")
                    .editMetadata()
                    .withDeletionTimestamp("2026-11-27T12:00:00Z")
                    .endMetadata()
                    .build()))
        .isEqualTo("it is being deleted");
    assertThat(why(tainted("node.kubernetes.io/unschedulable", null, "NoSchedule")))
        .isEqualTo("it has the taint node.kubernetes.io/unschedulable:NoSchedule");
    assertThat(why(tainted("a", "b", "PreferNoSchedule"))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      value = {
        // key, operator, value, effect, tolerated
        "gpu, Equal, yes, NoSchedule, true",
        "gpu, -, yes, -, true",
        "gpu, Exists, -, '', true",
        "-, Exists, -, -, true",
        "gpu, Equal, no, NoSchedule, false",
        "gpu, Equal, -, NoSchedule, false",
        "gpu, Exists, -, NoExecute, false",
        "other, Exists, -, -, false",
        "gpu, Gt, 3, -, false"
      })
  void taintsAreToleratedAsKubernetesDoes(
      @Nullable String key,
      @Nullable String operator,
      @Nullable String value,
      @Nullable String effect,
      boolean tolerated) {
    var toleration =
        new TolerationBuilder()
            .withKey(key)
            .withOperator(operator)
            .withValue(value)
            .withEffect(effect)
            .build();
    assertThat(why(tainted("gpu", "yes", "NoSchedule"), toleration).isEmpty()).isEqualTo(tolerated);
  }
}
