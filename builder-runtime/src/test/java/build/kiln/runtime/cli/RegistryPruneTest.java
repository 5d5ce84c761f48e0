package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.DirectoryManifestCache;
import build.kiln.runtime.prune.DirectoryShardStore;
import build.kiln.runtime.prune.InUse;
import build.kiln.runtime.prune.LedgerBook;
import build.kiln.runtime.prune.PolicyReader;
import build.kiln.runtime.prune.Scanner;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code kiln prune} against a registry whose tags were seen ten days ago. */
class RegistryPruneTest {
  @TempDir Path folder;
  private EmbeddedRegistry registry;
  private RegistryClient client;

  @BeforeEach
  void start() throws Exception {
    registry = EmbeddedRegistry.start();
    client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous());
    for (int i = 1; i <= 4; i++) {
      push("shop/api:pr-" + i, "image " + i);
    }
    push("shop/api:release-1", "image 1");
    var ledger = new LedgerBook(new DirectoryShardStore(state().resolve("ledger")));
    var cache = new DirectoryManifestCache(state().resolve("manifests"));
    Instant then = Instant.now().minus(Duration.ofDays(10));
    Path policy = policy("dryRun: false", "");
    new Scanner(client, ledger, cache, Clock.fixed(then, ZoneOffset.UTC))
        .plan(
            PolicyReader.read(
                "nightly", PruneSession.policy(policy, Files.readAllBytes(policy)).spec()),
            InUse.NOTHING,
            List.of(registry.host() + "/shop/api"));
    push("shop/api:pr-5", "image 5");
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    registry.close();
  }

  private Path state() {
    return folder.resolve("state");
  }

  private void push(String ref, String content) throws IOException {
    Reference target = registry.reference(ref);
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    Descriptor config = Descriptor.ofBytes(MediaTypes.OCI_CONFIG, bytes);
    client.pushBlob(target, config, BlobSource.of(bytes), List.of());
    client.pushManifest(
        target, Json.write(Manifest.oci(config, List.of(), null)), MediaTypes.OCI_MANIFEST);
  }

  private Path policy(String more, String rule) throws IOException {
    return Files.writeString(
        folder.resolve("policy.yaml"),
        """
        apiVersion: kiln.build/v1alpha1
        kind: ImagePrunePolicy
        metadata: {name: nightly}
        spec:
          %s
          limits: {maxPercent: 80}
          registries:
            - repositories: ["%s/shop/**"]
              rules:
                - match: {tags: ["pr-*"]}
                  keepLast: 1
                %s
        """
            .formatted(more, registry.host(), rule));
  }

  private Path uses(String text) throws IOException {
    return Files.writeString(folder.resolve("uses"), text);
  }

  private Captured kiln(String... arguments) {
    String[] all = Arrays.copyOf(arguments, arguments.length + 2);
    all[arguments.length] = "--state";
    all[arguments.length + 1] = state().toString();
    return Captured.run(all);
  }

  @Test
  void whatIsPlannedIsAppliedAndReported() throws IOException {
    Path policy = policy("dryRun: false", "");
    Path uses = uses(registry.host() + "/shop/api:pr-2   # the demo\n");

    Captured plan =
        kiln("prune", "plan", "-f", policy.toString(), "--in-use", uses.toString(), "-o", "json");
    assertThat(plan.exitCode()).as(plan.err()).isZero();
    JsonNode json = Json.tree(plan.out());
    assertThat(json.path("deletions").asInt()).isEqualTo(3);
    assertThat(json.path("keptByReason").path("IN_USE").asInt()).isEqualTo(1);
    assertThat(registry.contents().tags("shop/api")).hasSize(6);

    Path file = Files.writeString(folder.resolve("plan.json"), plan.out());
    String[] apply = {
      "prune", "apply", "-f", file.toString(), "--approve", json.path("hash").asText()
    };
    assertThat(kiln(apply).exitCode()).isEqualTo(2);
    assertThat(kiln(apply).err()).contains("with --in-use FILE");
    assertThat(kiln(with(apply, "--no-in-use")).err())
        .contains("the plan was made with what was in use");
    assertThat(registry.contents().tags("shop/api")).hasSize(6);

    Captured applied = kiln(with(apply, "--in-use", uses.toString()));
    assertThat(applied.exitCode()).as(applied.err()).isZero();
    assertThat(registry.contents().tags("shop/api")).containsExactly("pr-2", "pr-5", "release-1");
    assertThat(applied.out()).contains("2 manifests and 1 single tags deleted, 0 left, 0 failed");

    Captured report = kiln("prune", "report");
    assertThat(report.out()).contains("Policy nightly", "deleted " + registry.host(), "tag pr-1");
    Captured again =
        kiln("prune", "apply", "-f", policy.toString(), "--in-use", uses.toString(), "--force");
    assertThat(again.exitCode()).as(again.err()).isZero();
    assertThat(registry.contents().tags("shop/api")).hasSize(3);
  }

  @Test
  void nothingGoesWithoutAYesAHashOrForce() throws IOException {
    Path policy = policy("dryRun: false", "");
    String[] apply = {
      "prune", "apply", "-f", policy.toString(), "--no-in-use", "--state", state().toString()
    };

    assertThat(Captured.reading(new byte[0], apply).exitCode()).isEqualTo(1);
    assertThat(Captured.reading("n\n".getBytes(StandardCharsets.UTF_8), apply).exitCode())
        .isEqualTo(1);
    assertThat(
            kiln("prune", "apply", "-f", policy.toString(), "--no-in-use", "--approve", "0").err())
        .contains("the plan's hash is");
    Path dry = policy("suspend: false", "");
    assertThat(kiln("prune", "apply", "-f", dry.toString(), "--no-in-use", "--force").err())
        .contains("dryRun is true");
    assertThat(kiln("prune", "plan", "-f", policy.toString()).err()).contains("--in-use");
    assertThat(registry.contents().tags("shop/api")).hasSize(6);

    policy("dryRun: false", "");
    assertThat(Captured.reading("y\n".getBytes(StandardCharsets.UTF_8), apply).exitCode()).isZero();
    assertThat(registry.contents().tags("shop/api")).containsExactly("pr-5", "release-1");
  }

  /** The registry is used by other names than the policy's. */
  @Test
  void otherNamesOfTheRegistryAreToldByThePolicyOrByOptions() throws IOException {
    Path uses = uses("node1:30500/mirrored/shop/api:pr-2\nregistry.kiln:5000/x/shop/api:pr-3\n");
    Path policy = policy("dryRun: false", "");
    String[] plan = {"prune", "plan", "-f", policy.toString(), "--in-use", uses.toString()};
    assertThat(kiln(plan).out()).contains("(pr-2)", "(pr-3)");

    Captured mirrors =
        kiln(
            with(
                plan,
                "--mirror",
                registry.host() + "=node1:30500/mirrored",
                "--mirror",
                registry.host() + "=Registry.kiln.svc:5000/x"));
    assertThat(mirrors.exitCode()).as(mirrors.err()).isZero();
    assertThat(mirrors.out()).doesNotContain("(pr-2)", "(pr-3)");

    uses("node1:30500/api:pr-2\nregistry.kiln.svc:5000/api:pr-3\n");
    String through = registry.host() + "/shop=r.io";
    assertThat(kiln(with(plan, "--mirror", through)).out()).contains("(pr-2)", "(pr-3)");
    Captured aliases =
        kiln(
            with(
                plan,
                "--mirror",
                through,
                "--alias",
                "r.io=node1:30500",
                "--alias",
                "r.io=registry.kiln:5000"));
    assertThat(aliases.exitCode()).as(aliases.err()).isZero();
    assertThat(aliases.out()).doesNotContain("(pr-2)", "(pr-3)");

    policy("dryRun: false", "\n      aliases: [r.io]");
    assertThat(kiln(plan).out()).contains("(pr-2)", "(pr-3)");
    uses("r.io/shop/api:pr-2\n");
    assertThat(kiln(plan).out()).doesNotContain("(pr-2)").contains("(pr-3)");
  }

  /** Files are looked at together: what one lacks another may have. */
  @Test
  void sourcesOfUseAreLookedForInAllFiles() throws IOException {
    Path policy =
        policy(
            "dryRun: false\n  protect: {extraSources: [{apiVersion: example.com/v1, kind: Widget, jsonPath: .spec.image}]}",
            "");
    Path none =
        uses(
            "{\"kind\":\"Widget\",\"apiVersion\":\"example.com/v1\",\"spec\":{}} {\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"image\":\"x.io/a:1\"}]}}");
    String[] plan = {"prune", "plan", "-f", policy.toString(), "--in-use", none.toString()};
    assertThat(kiln(plan).out()).contains("It is not carried out", "Widget of example.com/v1");

    Path lines = Files.writeString(folder.resolve("lines"), registry.host() + "/shop/api:pr-2\n");
    Captured absent = kiln("prune", "plan", "-f", policy.toString(), "--in-use", lines.toString());
    assertThat(absent.out())
        .contains("SourcesEmpty: ", "there is no Widget of example.com/v1")
        .doesNotContain("not carried out");

    Path some =
        Files.writeString(
            folder.resolve("some"),
            "{\"kind\":\"WidgetList\",\"apiVersion\":\"example.com/v1\",\"items\":[{\"spec\":{\"image\":\"%s/shop/api:pr-3\"}}]}"
                .formatted(registry.host()));
    Captured both = kiln(with(plan, "--in-use", some.toString(), "--in-use", lines.toString()));
    assertThat(both.out())
        .doesNotContain("(pr-3)", "(pr-2)", "SourcesEmpty", "not carried out")
        .contains("pr-4");

    Path older =
        Files.writeString(
            folder.resolve("some"),
            "{\"kind\":\"Widget\",\"apiVersion\":\"example.com/v1beta1\",\"spec\":{\"image\":\"x\"}} {\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"image\":\"x.io/a:1\"}]}}");
    assertThat(kiln("prune", "plan", "-f", policy.toString(), "--in-use", older.toString()).out())
        .contains("not carried out");
  }

  private static String[] with(String[] arguments, String... more) {
    return Stream.concat(Arrays.stream(arguments), Arrays.stream(more)).toArray(String[]::new);
  }

  @ParameterizedTest
  @CsvSource({
    "--alias,r.io,want two names",
    "--alias,r.io=https://x,is no registry",
    "--mirror,r.io=a b,not a repository name"
  })
  void aNameThatIsNoneIsRefused(String option, String value, String message) throws IOException {
    Captured refused =
        kiln(
            "prune",
            "plan",
            "-f",
            policy("dryRun: false", "").toString(),
            "--no-in-use",
            option,
            value);

    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains(option + " " + value, message);
  }

  /** Under a name that only the plan was told. */
  @Test
  void whatCameIntoUseSinceThePlanStays() throws IOException {
    Path policy = policy("dryRun: false", "");
    Path uses = uses("node1:30500/mirrored/shop/api:pr-9\n");
    Path plan =
        planned(
            policy,
            "--in-use",
            uses.toString(),
            "--mirror",
            registry.host() + "=r.io/mirrored",
            "--alias",
            "r.io=node1:30500");
    uses("node1:30500/mirrored/shop/api:pr-3\n");

    Captured applied =
        kiln("prune", "apply", "-f", plan.toString(), "--force", "--in-use", uses.toString());

    assertThat(applied.exitCode()).as(applied.err()).isZero();
    assertThat(applied.out()).contains("is used by " + uses + ":1 now", "0 failed");
    assertThat(registry.contents().tags("shop/api")).contains("pr-3");
  }

  private Path planned(Path policy, String... options) throws IOException {
    Captured plan =
        kiln(with(new String[] {"prune", "plan", "-f", policy.toString(), "-o", "json"}, options));
    assertThat(plan.exitCode()).as(plan.err()).isZero();
    return Files.writeString(folder.resolve("plan.json"), plan.out());
  }

  @Test
  void theUseOfAnotherClusterThatThePlanKnewIsAskedForAgain() throws IOException {
    Path policy = policy("dryRun: false", "\n      sharedWith: [west]");
    Path uses = uses(registry.host() + "/shop/api:pr-2\n");
    Path plan = planned(policy, "--in-use", uses.toString(), "--in-use", "west=" + uses);
    String[] apply = {
      "prune", "apply", "-f", plan.toString(), "--force", "--in-use", uses.toString()
    };

    assertThat(kiln(apply).err()).contains("what cluster west used", "--in-use west=FILE");
    assertThat(registry.contents().tags("shop/api")).hasSize(6);
    assertThat(kiln(with(apply, "--in-use", "west=" + uses)).exitCode()).isZero();
    assertThat(registry.contents().tags("shop/api")).containsExactly("pr-2", "pr-5", "release-1");
  }

  /** Sources of use are the policy's, which a plan remembers. */
  @Test
  void aPlanIsAppliedWithThePolicysOtherSourcesOfUse() throws IOException {
    Path policy =
        policy(
            "dryRun: false\n  protect: {extraSources: [{apiVersion: example.com/v1, kind: Widget, jsonPath: .spec.image}]}",
            "");
    String widget =
        "{\"kind\":\"Widget\",\"apiVersion\":\"example.com/v1\",\"metadata\":{\"name\":\"w\"},\"spec\":{\"image\":\"%s/shop/api:%s\"}}";
    Path uses = uses(widget.formatted(registry.host(), "pr-2"));
    Path plan = planned(policy, "--in-use", uses.toString());
    uses(widget.formatted(registry.host(), "pr-3"));

    Captured applied =
        kiln("prune", "apply", "-f", plan.toString(), "--force", "--in-use", uses.toString());

    assertThat(applied.out()).contains("is used by Widget w now");
    assertThat(registry.contents().tags("shop/api")).hasSize(6);
  }

  @Test
  void whatSaysNothingOfUseIsRefused() throws IOException {
    Path policy = policy("dryRun: false", "");
    String[] plan = {"prune", "plan", "-f", policy.toString(), "--in-use"};

    assertThat(kiln(with(plan, uses(" \n").toString())).err()).contains("uses is empty");
    for (String nothing : List.of("# none\n", "{\"kind\":\"List\",\"items\":[]}")) {
      Captured refused = kiln(with(plan, uses(nothing).toString()));
      assertThat(refused.exitCode()).isEqualTo(2);
      assertThat(refused.err()).contains("--in-use names no image at all");
      assertThat(kiln(with(plan, uses(nothing).toString(), "--no-in-use")).exitCode()).isZero();
    }
  }

  @Test
  void aPlanThatDoesNotSayWhatItWasMadeOfIsRefused() throws IOException {
    Path plan = planned(policy("dryRun: false", ""), "--no-in-use");
    var json = (ObjectNode) Json.mapper().readTree(Files.readAllBytes(plan));
    json.remove("input");
    Files.write(plan, Json.write(json));

    Captured refused = kiln("prune", "apply", "-f", plan.toString(), "--force");

    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains("does not say what it was made of");
  }

  @Test
  void aPlanThatWasEditedIsNone() throws IOException {
    Path policy = policy("dryRun: false", "");
    Captured plan = kiln("prune", "plan", "-f", policy.toString(), "--no-in-use", "-o", "json");
    Path file =
        Files.writeString(folder.resolve("plan.json"), plan.out().replace("\"pr-2\"", "\"pr-9\""));

    Captured applied = kiln("prune", "apply", "-f", file.toString(), "--force");

    assertThat(applied.exitCode()).isEqualTo(2);
    assertThat(applied.err()).contains("was changed after it was made");
    assertThat(registry.contents().tags("shop/api")).hasSize(6);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gracePeriod: 5m||gracePeriod must be a duration from 1h",
        "timeZone: UTC||spec.timeZone is the zone of spec.schedule",
        "{schedule: '0 3 * * *', timeZone: Mars/Olympus}||spec.timeZone",
        "dryRuns: false||dryRun",
        "suspend: false|- match: {tags: ['*']}|would delete all that it matches",
        "suspend: false|- {match: {exclude: [a]}, keepLast: 1}|match needs tags or regex",
        "suspend: false|- {match: {regex: '('}, keepLast: 1}|registries[0].rules[1].match.regex",
        "suspend: false|- {match: {tags: [a]}, keepLast: 0}|keepLast",
        "suspend: false|'\n      aliases: [\"https://r.io\"]'|registries[].aliases must be registries",
        "suspend: false|'\n      aliases: [a.io]\n    - repositories: [a.io/b]\n      untagged: {olderThan: 24h}'|spec.registries[1].repositories: in \"a.io/b\" the registry is the one",
        "'protect: {tags: [\"[\"]}'||protect.tags[0]",
        "'protect: {extraSources: [{apiVersion: v1, kind: A, jsonPath: \".a[?(@.b)]\"}]}'||protect.extraSources[0].jsonPath"
      })
  void aPolicyThatCannotBeMeantIsRefusedByItsField(String more, String rule, String message)
      throws IOException {
    String fields = more.startsWith("{") ? more.substring(1, more.length() - 1) : more;
    Path policy = policy(fields.replace(", timeZone", "\n  timeZone"), rule == null ? "" : rule);

    Captured refused = kiln("prune", "plan", "-f", policy.toString(), "--no-in-use");

    assertThat(refused.exitCode()).as(refused.out()).isEqualTo(2);
    assertThat(refused.err()).contains(message);
  }
}
