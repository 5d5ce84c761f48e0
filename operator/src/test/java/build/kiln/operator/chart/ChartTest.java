package build.kiln.operator.chart;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.operator.settings.Settings;
import build.kiln.operator.settings.SettingsFile;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the chart makes of its values. */
class ChartTest {
  /** Values that an installation may have. */
  enum Values {
    DEFAULTS,
    NAMED_NAMESPACES("watchNamespaces={shop,web}"),
    EVERYTHING(
        "replicas=3,priorityClassName=system-cluster-critical",
        "podDisruptionBudget.enabled=true,networkPolicy.enabled=true",
        "serviceMonitor.enabled=true,caBundle.configMap=authorities",
        "imagePullSecrets[0].name=pull,builder.imagePullSecrets[0].name=pull",
        "builder.workspaceSize=35Gi,builder.nodeSelector.pool=builds",
        "builder.tolerations[0].key=builds,builder.tolerations[0].operator=Exists",
        "proxy.http=http://proxy:3128,proxy.noProxy=.svc\\,10.0.0.0/8",
        "registries.mirrors.docker\\.io={mirror.example.com,https://other.example.com/hub}",
        "registries.insecure={registry.local:5000}",
        "registries.allowedBases={docker.io/library/*}",
        "registries.allowedOutputs={registry.example.com/\\{namespace\\}/**}",
        "isolation.allowChroot=true,concurrency.cluster=7,concurrency.namespace=2",
        "concurrency.mirrors.cluster=3,concurrency.mirrors.namespace=1",
        "nodes.enabled=true,nodes.namespace=on-nodes,nodes.socket=/run/k3s/containerd/containerd.sock",
        "nodes.concurrency=3,timing.podStartGrace=1m30s,timing.retry.max=2h",
        "nodeSelector.kubernetes\\.io/os=linux,tolerations[0].operator=Exists",
        "podLabels.team=platform,podAnnotations.note=x,javaOpts=-Xmx300m",
        "extraEnv[0].name=A,extraEnv[0].value=b");

    private final String sets;

    Values(String... sets) {
      this.sets = String.join("\n", sets);
    }

    String[] arguments() {
      return sets.lines().flatMap(set -> Stream.of("--set", set)).toArray(String[]::new);
    }
  }

  @BeforeAll
  static void helmIsHere() {
    Helm.assumeHere();
  }

  @ParameterizedTest
  @EnumSource
  void lintHasNothingToSay(Values values) {
    var result = Helm.lint(values.arguments());
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).doesNotContain("[WARNING]").doesNotContain("[ERROR]");
  }

  @ParameterizedTest
  @EnumSource
  void everyObjectIsThereOnceAndLabelled(Values values) {
    var objects = Helm.render(values.arguments());
    assertThat(objects)
        .extracting(
            o ->
                String.join(
                    "/",
                    o.path("kind").asText(),
                    o.at("/metadata/namespace").asText(),
                    o.at("/metadata/name").asText()))
        .doesNotHaveDuplicates();
    assertThat(objects)
        .allSatisfy(
            o ->
                assertThat(o.at("/metadata/labels/app.kubernetes.io~1part-of").asText())
                    .as(o.path("kind").asText())
                    .isEqualTo("kiln"));
  }

  @ParameterizedTest
  @EnumSource
  void noRoleHasAWildcardOrListsSecrets(Values values) {
    var rules = rules(Helm.render(values.arguments()).stream());
    assertThat(rules).isNotEmpty();
    for (var rule : rules) {
      for (var field : List.of("apiGroups", "resources", "verbs")) {
        assertThat(strings(rule.path(field))).as(rule.toString()).isNotEmpty().doesNotContain("*");
      }
      if (strings(rule.path("resources")).contains("secrets")) {
        assertThat(strings(rule.path("verbs"))).containsExactly("get");
      }
      assertThat(strings(rule.path("resources")))
          .as("what would let the operator become somebody else")
          .doesNotContain("roles", "clusterroles", "serviceaccounts", "pods/exec");
      if (strings(rule.path("resources")).contains("nodes")) {
        assertThat(strings(rule.path("verbs"))).containsExactly("list");
      }
    }
  }

  @Test
  void namedNamespacesGetRolesAndNothingOfTheCluster() {
    var objects = Helm.render(Values.NAMED_NAMESPACES.arguments());
    var operators =
        objects.stream()
            .filter(o -> o.path("kind").asText().equals("Role"))
            .filter(o -> o.toString().contains("secrets"))
            .map(o -> o.at("/metadata/namespace").asText());
    assertThat(operators).containsExactly("shop", "web");
    assertThat(rules(objects.stream().filter(o -> o.path("kind").asText().equals("ClusterRole"))))
        .allSatisfy(
            rule -> assertThat(strings(rule.path("apiGroups"))).containsExactly("kiln.build"));
    assertThat(objects).noneMatch(o -> o.path("kind").asText().equals("ClusterRoleBinding"));
  }

  /** Policies are the cluster's, whatever is watched: so that is to be said. */
  @Test
  void policiesAreCarriedOutIfAllIsWatchedOrIfItIsSaid() {
    assertThat(Helm.render()).anyMatch(ChartTest::isPruneAccount);
    assertThat(Helm.render(Values.NAMED_NAMESPACES.arguments()))
        .noneMatch(ChartTest::isPruneAccount)
        .noneMatch(o -> o.path("kind").asText().equals("ValidatingAdmissionPolicy"));
    assertThat(Helm.render("--set", "prune.enabled=false")).noneMatch(ChartTest::isPruneAccount);
    var named = Helm.render("--set", "watchNamespaces={shop}", "--set", "prune.enabled=true");
    assertThat(named).anyMatch(ChartTest::isPruneAccount);
    assertThat(named)
        .as("its Jobs are in the release's namespace, events on policies in default")
        .filteredOn(o -> o.path("kind").asText().equals("Role"))
        .extracting(o -> o.at("/metadata/namespace").asText())
        .contains("shop", "kiln", "default");
  }

  private static boolean isPruneAccount(JsonNode object) {
    return object.path("kind").asText().equals("ServiceAccount")
        && object.at("/metadata/name").asText().equals("kiln-prune");
  }

  @Test
  void thePruneAccountListsAndWritesNothingButConfigMapsOfItsOwn() {
    var objects =
        Helm.render(
            "--set-json",
            "prune.extraSources=[{\"apiGroups\":[\"tekton.dev\"],\"resources\":[\"tasks\"]}]");
    var cluster = named(objects, "ClusterRole", "kiln-prune");
    assertThat(rules(Stream.of(cluster)))
        .allSatisfy(rule -> assertThat(strings(rule.path("verbs"))).containsExactly("list"))
        .anySatisfy(rule -> assertThat(strings(rule.path("resources"))).containsExactly("tasks"));
    assertThat(rules(Stream.of(named(objects, "Role", "kiln-prune"))))
        .singleElement()
        .satisfies(
            rule -> assertThat(strings(rule.path("resources"))).containsExactly("configmaps"));
    var policy = named(objects, "ValidatingAdmissionPolicy", "kiln-prune").path("spec");
    assertThat(policy.at("/matchConditions/0/expression").asText())
        .contains("system:serviceaccount:kiln:kiln-prune");
    assertThat(policy.at("/validations/0/expression").asText())
        .isEqualTo("request.name.startsWith(\"kiln-prune-\")");
    assertThat(
            named(objects, "ValidatingAdmissionPolicyBinding", "kiln-prune")
                .at("/spec/validationActions/0")
                .asText())
        .isEqualTo("Deny");
  }

  @Test
  void nodesAreLeftAloneUnlessItIsSaid(@TempDir Path folder) throws IOException {
    assertThat(settings(folder).nodes()).isNull();
    assertThat(Helm.render())
        .noneMatch(o -> o.path("kind").asText().equals("Namespace"))
        .noneMatch(o -> o.toString().contains("nodes-account"));
    assertThat(rules(Helm.render().stream()))
        .noneMatch(rule -> strings(rule.path("resources")).contains("nodes"));
  }

  @Test
  void podsOnNodesHaveANamespaceAndAnAccountOfTheirOwn(@TempDir Path folder) throws IOException {
    String[] values = {"--set", "nodes.enabled=true,nodes.concurrency=3"};
    var nodes = Objects.requireNonNull(settings(folder, values).nodes());
    assertThat(nodes.namespace()).isEqualTo("kiln-nodes");
    assertThat(nodes.serviceAccount()).isEqualTo("kiln-nodes");
    assertThat(nodes.socket()).isEqualTo("/run/containerd/containerd.sock");
    assertThat(nodes.concurrency()).isEqualTo(3);
    assertThat(Objects.requireNonNull(nodes.resources()).getRequests())
        .containsEntry("memory", Quantity.parse("128Mi"));
    var objects = Helm.render(values);
    var labels = named(objects, "Namespace", "kiln-nodes").at("/metadata/labels");
    assertThat(labels.path("pod-security.kubernetes.io/enforce").asText()).isEqualTo("privileged");
    assertThat(
            named(objects, "ServiceAccount", "kiln-nodes")
                .path("automountServiceAccountToken")
                .asBoolean(true))
        .isFalse();
    assertThat(rules(Stream.of(named(objects, "Role", "kiln-nodes"))))
        .singleElement()
        .satisfies(
            rule -> assertThat(strings(rule.path("resources"))).containsExactly("configmaps"));
    assertThat(
            objects.stream()
                .filter(o -> o.path("kind").asText().endsWith("RoleBinding"))
                .filter(o -> o.at("/subjects/0/name").asText().equals("kiln-nodes")))
        .as("no right outside of its namespace")
        .singleElement()
        .satisfies(
            binding ->
                assertThat(binding.at("/metadata/namespace").asText()).isEqualTo("kiln-nodes"));
    var policy = named(objects, "ValidatingAdmissionPolicy", "kiln-nodes").path("spec");
    assertThat(policy.at("/matchConditions/0/expression").asText())
        .contains("system:serviceaccount:kiln-nodes:kiln-nodes");
    assertThat(policy.at("/variables/0/expression").asText())
        .startsWith("\"node-\" + ")
        .contains("authentication.kubernetes.io/node-uid");
    assertThat(policy.at("/validations/0/expression").asText())
        .startsWith("request.name.startsWith(\"kiln-prune-\")")
        .endsWith("variables.part + \"-\")");
    assertThat(policy.path("validations"))
        .extracting(validation -> validation.path("expression").asText())
        .anyMatch(text -> text.startsWith("object == null") && text.endsWith("== variables.part"))
        .anyMatch(
            text -> text.startsWith("oldObject == null") && text.endsWith("== variables.part"));
    assertThat(Helm.render("--set", "nodes.enabled=true,nodes.createNamespace=false"))
        .noneMatch(o -> o.path("kind").asText().equals("Namespace"));
  }

  @ParameterizedTest
  @CsvSource({
    "'nodes.enabled=true,nodes.namespace=kiln', nodes.namespace must be another",
    "'nodes.enabled=true,prune.enabled=false', set prune.enabled to true",
    "'nodes.enabled=true,nodes.socket=containerd.sock', socket",
    "'nodes.enabled=yes', enabled"
  })
  void whatCannotBeOfNodesIsRefused(String values, String message) {
    var result = Helm.template("--set", values);
    assertThat(result.exitCode()).isNotZero();
    assertThat(result.output()).contains(message);
  }

  private static JsonNode named(List<JsonNode> objects, String kind, String name) {
    return objects.stream()
        .filter(o -> o.path("kind").asText().equals(kind))
        .filter(o -> o.at("/metadata/name").asText().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @EnumSource
  void podsAreWhatRestrictedAdmits(Values values) {
    var pods =
        Helm.render(values.arguments()).stream()
            .map(o -> o.path("kind").asText().equals("Pod") ? o : o.at("/spec/template"))
            .map(o -> o.path("spec"))
            .filter(spec -> spec.has("containers"))
            .toList();
    assertThat(pods).hasSize(2);
    for (var pod : pods) {
      var context = pod.path("securityContext");
      assertThat(context.path("runAsNonRoot").asBoolean()).isTrue();
      assertThat(context.at("/seccompProfile/type").asText()).isEqualTo("RuntimeDefault");
      for (var container : pod.path("containers")) {
        var own = container.path("securityContext");
        assertThat(own.path("allowPrivilegeEscalation").asBoolean(true)).isFalse();
        assertThat(own.path("readOnlyRootFilesystem").asBoolean()).isTrue();
        assertThat(strings(own.at("/capabilities/drop"))).containsExactly("ALL");
        assertThat(container.at("/resources/limits/memory").isMissingNode()).isFalse();
      }
    }
  }

  @Test
  void crdsStayUnlessTheyAreSomebodyElses() {
    assertThat(crds())
        .hasSize(3)
        .allSatisfy(
            crd ->
                assertThat(crd.at("/metadata/annotations/helm.sh~1resource-policy").asText())
                    .isEqualTo("keep"));
    assertThat(crds("--set", "crds.install=false")).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void theOperatorReadsItsSettings(Values values, @TempDir Path folder) throws IOException {
    var settings = settings(folder, values.arguments());
    assertThat(settings.httpPort()).isEqualTo(8080);
    assertThat(settings.leaderElection().leaseName()).isEqualTo("kiln");
    assertThat(settings.watchNamespaces()).hasSize(values == Values.NAMED_NAMESPACES ? 2 : 0);
  }

  @Test
  void everyValueArrivesInTheSettings(@TempDir Path folder) throws IOException {
    var settings = settings(folder, Values.EVERYTHING.arguments());
    assertThat(settings.builderImage()).isEqualTo("registry.kiln.build/kiln/builder:0.1.0");
    assertThat(settings.builderImagePullSecrets()).containsExactly("pull");
    assertThat(settings.mirrors())
        .isEqualTo(
            Map.of("docker.io", List.of("mirror.example.com", "https://other.example.com/hub")));
    assertThat(settings.insecureRegistries()).containsExactly("registry.local:5000");
    assertThat(settings.allowedBases()).containsExactly("docker.io/library/*");
    assertThat(settings.allowedOutputs()).containsExactly("registry.example.com/{namespace}/**");
    assertThat(settings.caDirectory()).isEqualTo("/etc/kiln-ca");
    assertThat(settings.proxies())
        .isEqualTo(Map.of("HTTP_PROXY", "http://proxy:3128", "NO_PROXY", ".svc,10.0.0.0/8"));
    assertThat(settings.allowChroot()).isTrue();
    assertThat(settings.maxConcurrentBuilds()).isEqualTo(7);
    assertThat(settings.maxConcurrentBuildsPerNamespace()).isEqualTo(2);
    assertThat(settings.podStartGrace()).isEqualTo("1m30s");
    assertThat(settings.retry().max()).isEqualTo("2h");
    assertThat(settings.defaults().workspaceSize()).isEqualTo(Quantity.parse("35Gi"));
    assertThat(settings.defaults().nodeSelector()).isEqualTo(Map.of("pool", "builds"));
    assertThat(settings.defaults().tolerations()).hasSize(1);
    assertThat(Objects.requireNonNull(settings.defaults().resources()).getRequests())
        .containsEntry("memory", Quantity.parse("512Mi"));
  }

  /** A value that is the operator's own default says so in the chart too. */
  @Test
  void theDefaultsAreTheOperators(@TempDir Path folder) throws IOException {
    var chart = settings(folder);
    var file = folder.resolve("least.yaml");
    Files.writeString(file, "builderImage: " + chart.builderImage() + "\n");
    var operator = SettingsFile.read(file);
    assertThat(chart)
        .usingRecursiveComparison()
        .ignoringFields(
            "prune", "leaderElection.leaseName", "defaults.resources", "defaults.workspaceSize")
        .isEqualTo(operator);
  }

  /** A build that fills its node takes others with it. */
  @Test
  void aWorkspaceHasALimitUnlessTheInstallationWantsNone(@TempDir Path folder) throws IOException {
    assertThat(settings(folder).defaults().workspaceSize()).isEqualTo(Quantity.parse("20Gi"));
    assertThat(settings(folder, "--set", "builder.workspaceSize=").defaults().workspaceSize())
        .isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"20Gi", "1.5Ti", "500000Ki", "500k", "1000000000"})
  void aWorkspaceSizeIsAQuantity(String size, @TempDir Path folder) throws IOException {
    assertThat(
            settings(folder, "--set-string", "builder.workspaceSize=" + size)
                .defaults()
                .workspaceSize())
        .isEqualTo(Quantity.parse(size));
  }

  @Test
  void theChartsOwnCheckGetsThroughTheNetworkPolicy() {
    var objects =
        Helm.render(
            "--set",
            "networkPolicy.enabled=true,networkPolicy.from[0].podSelector.matchLabels.app=prometheus");
    var check =
        objects.stream()
            .filter(o -> o.path("kind").asText().equals("Pod"))
            .findFirst()
            .orElseThrow();
    var policy =
        objects.stream()
            .filter(o -> o.path("kind").asText().equals("NetworkPolicy"))
            .findFirst()
            .orElseThrow();
    assertThat(policy.at("/metadata/namespace")).isEqualTo(check.at("/metadata/namespace"));
    var labels = check.at("/metadata/labels");
    assertThat(policy.at("/spec/ingress/0/from"))
        .hasSize(2)
        .anySatisfy(
            from ->
                assertThat(from.at("/podSelector/matchLabels").properties())
                    .isNotEmpty()
                    .allSatisfy(
                        label ->
                            assertThat(labels.path(label.getKey())).isEqualTo(label.getValue())));
    assertThat(
            Helm.render("--set", "networkPolicy.enabled=true").stream()
                .filter(o -> o.path("kind").asText().equals("NetworkPolicy"))
                .map(o -> o.at("/spec/ingress/0").has("from")))
        .as("without a list it is for everybody")
        .containsExactly(false);
  }

  /** The table that an administrator reads before they grant the roles. */
  @Test
  void theOperatorsRightsAreDocumented() throws IOException {
    var text = Files.readString(Helm.CHART.resolve("../../docs/install.md"));
    var section = text.substring(text.indexOf("### Who may what"), text.indexOf("### Several"));
    var documented =
        section
            .lines()
            .filter(line -> line.startsWith("| `"))
            .map(line -> line.split("[|]")[1].strip() + ": " + line.split("[|]")[2].strip())
            .toList();
    var granted =
        rules(
                Helm.render().stream()
                    .filter(o -> o.at("/metadata/name").asText().matches("kiln|kiln-leader")))
            .stream()
            .map(
                rule ->
                    strings(rule.path("resources")).stream()
                            .map(resource -> "`" + resource + "`")
                            .collect(Collectors.joining(", "))
                        + ": "
                        + String.join(", ", strings(rule.path("verbs"))))
            .toList();
    assertThat(granted).hasSizeGreaterThan(5);
    assertThat(documented).containsExactlyInAnyOrderElementsOf(granted);
  }

  @Test
  void everyValueIsDocumented() throws IOException {
    var text = Files.readString(Helm.CHART.resolve("../../docs/install.md"));
    var paths = new ArrayList<String>();
    leaves("", Helm.YAML.readTree(Helm.CHART.resolve("values.yaml").toFile()), paths);
    assertThat(paths).hasSizeGreaterThan(50).allMatch(path -> text.contains("`" + path + "`"));
  }

  private static void leaves(String path, JsonNode node, List<String> paths) {
    if (node.isObject() && !node.isEmpty()) {
      node.properties()
          .forEach(
              p ->
                  leaves(
                      path.isEmpty() ? p.getKey() : path + "." + p.getKey(), p.getValue(), paths));
    } else {
      paths.add(path);
    }
  }

  @Test
  void newSettingsStartNewPods() {
    var before = deployment().at("/spec/template/metadata/annotations/checksum~1settings");
    var after =
        deployment("--set", "concurrency.cluster=9")
            .at("/spec/template/metadata/annotations/checksum~1settings");
    assertThat(before.asText()).isNotEmpty().isNotEqualTo(after.asText());
  }

  @ParameterizedTest
  @CsvSource({
    "logLevel=INFO, registry.kiln.build/kiln/operator:0.1.0",
    "image.tag=1.10-rc1, registry.kiln.build/kiln/operator:1.10-rc1",
    "image.tag=20261125, registry.kiln.build/kiln/operator:20261125",
    "image.tag=1;image.digest=sha256:X, registry.kiln.build/kiln/operator@sha256:X",
    "image.repository=localhost:5000/op, localhost:5000/op:0.1.0"
  })
  void theImageIsByDigestElseByTagElseOfThisVersion(String values, String image) {
    var hex = "ab".repeat(32);
    var deployment = deployment("--set", values.replace(";", ",").replace("X", hex));
    assertThat(container(deployment).path("image").asText()).isEqualTo(image.replace("X", hex));
  }

  @ParameterizedTest
  @CsvSource({
    "concurency.cluster=3, concurency",
    "image.pullPolicy=Sometimes, pullPolicy",
    "replicas=0, replicas",
    "image.digest=latest, digest",
    "registries.mirors.x=y, mirors",
    "watchNamespaces={Shop}, watchNamespaces",
    "timing.missingPoll=soon, missingPoll",
    "concurrency.namespace=0, namespace",
    "builder.workspaceSize=10ki, workspaceSize",
    "builder.workspaceSize=1.2.3, workspaceSize",
    "builder.workspaceSize=.Gi, workspaceSize",
    "builder.workspaceSize=10GB, workspaceSize",
    "proxy.http=http://me:secret@proxy:3128, http",
    "proxy.https=me:secret@proxy:3128, https",
    "registries.mirrors.x={https://me:secret@mirror}, mirrors",
    "builder.image.repo=x, repo"
  })
  void aTypoIsRefusedByName(String value, String named) {
    var result = Helm.template("--set", value);
    assertThat(result.exitCode()).isNotZero();
    assertThat(result.output()).contains(named).contains("schema");
  }

  private static List<JsonNode> crds(String... values) {
    return Helm.render(values).stream()
        .filter(o -> o.path("kind").asText().equals("CustomResourceDefinition"))
        .toList();
  }

  private static JsonNode deployment(String... values) {
    return Helm.render(values).stream()
        .filter(o -> o.path("kind").asText().equals("Deployment"))
        .findFirst()
        .orElseThrow();
  }

  private static Settings settings(Path folder, String... values) throws IOException {
    var text =
        Helm.render(values).stream()
            .filter(o -> o.path("kind").asText().equals("ConfigMap"))
            .map(o -> o.at("/data/settings.yaml").asText())
            .findFirst()
            .orElseThrow();
    return SettingsFile.read(Files.writeString(folder.resolve("settings.yaml"), text));
  }

  private static JsonNode container(JsonNode deployment) {
    return deployment.at("/spec/template/spec/containers/0");
  }

  private static List<JsonNode> rules(Stream<JsonNode> objects) {
    return objects
        .filter(o -> o.path("kind").asText().endsWith("Role"))
        .flatMap(o -> StreamSupport.stream(o.path("rules").spliterator(), false))
        .toList();
  }

  private static List<String> strings(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toList();
  }
}
