package build.kiln.runtime.cli.manifest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.ImageBuildSpec.InlineFile;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.Records;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.cli.manifest.ManifestException.Code;
import build.kiln.runtime.cli.manifest.ManifestFile.Manifest;
import build.kiln.runtime.cli.manifest.ManifestFile.Order;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ManifestFileTest {
  private static final String BUILD =
      """
      apiVersion: kiln.build/v1alpha1
      kind: ImageBuild
      metadata: {name: hello}
      spec:
        dockerfile: {inline: FROM scratch}
        output: {image: r.example.com/hello, tags: [latest, "run-{{run}}"]}
      """;
  private static final String SITE =
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: site}
      data:
        index.html: "grüß"
      binaryData:
        logo.png: iVBORw==
      """;

  static Stream<Path> examples() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("..", "examples"))) {
      return files.filter(f -> f.toString().endsWith(".yaml")).toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("examples")
  void everyExampleIsAccepted(Path example) throws IOException {
    switch (ManifestFile.read("f.yaml", Files.readAllBytes(example))) {
      case Manifest m -> {
        assertThat(m.build().getSpec().output().image()).startsWith("registry.example.com/");
        // A claim comes along for the cluster; at a desk there are no volumes.
        assertThat(m.notes())
            .allSatisfy(note -> assertThat(note).contains("PersistentVolumeClaim"));
      }
      case ManifestFile.Mirror m -> assertThat(m.notes()).isEmpty();
      case ManifestFile.Prune p -> assertThat(p.notes()).isEmpty();
      case Order _,
          ManifestFile.OrderedMirror _,
          ManifestFile.OrderedPrune _,
          ManifestFile.OrderedNode _ ->
          throw new AssertionError(example + " is an order");
    }
  }

  @Test
  void thereAreExamples() throws IOException {
    assertThat(examples()).hasSizeGreaterThanOrEqualTo(5);
  }

  @Test
  void modesAreOctalAndTextsKeepTheirLines() throws IOException {
    Manifest manifest =
        manifest(Files.readString(Path.of("..", "examples", "multi-stage", "imagebuild.yaml")));

    assertThat(requireNonNull(manifest.build().getSpec().source()).inline())
        .contains(new InlineFile("src/add.sh", "#!/bin/sh\necho $(($1 + $2))\n", 493));
  }

  @Test
  void configMapsOfTheFileServe() {
    Manifest manifest = manifest("---\n" + SITE + "---\n# nothing\n---\n" + BUILD + "---\n");

    assertThat(manifest.configMaps()).containsOnlyKeys("site");
    assertThat(manifest.configMaps().get("site"))
        .containsOnlyKeys("index.html", "logo.png")
        .containsEntry("index.html", "grüß".getBytes(UTF_8))
        .containsEntry("logo.png", "\u0089PNG".getBytes(ISO_8859_1));
    assertThat(manifest.build().getSpec().retries()).isEqualTo(3);
    assertThat(manifest.notes()).isEmpty();
  }

  @Test
  void otherDocumentsAreIgnoredWithANote() {
    Manifest manifest =
        manifest(
            BUILD.replace("{name: hello}", "{name: hello, namespace: shop}")
                + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: login}\n---\n"
                + SITE.replace("{name: site}", "{name: site, namespace: other}"));

    assertThat(manifest.configMaps()).isEmpty();
    assertThat(manifest.notes())
        .containsExactly(
            "f.yaml:8:1: Secret \"login\" (v1) is ignored: only ImageBuild and ConfigMap are read",
            "f.yaml:12:1: ConfigMap \"site\" (v1) is ignored: it is in another namespace than the ImageBuild");
  }

  @Test
  void theStatusIsIgnored() {
    assertThat(manifest(BUILD + "status: {image: 5, whatever: true}\n").build().getStatus())
        .isNull();
  }

  @Test
  void jsonIsAManifestToo() {
    String json =
        """
        {
        \t"apiVersion": "kiln.build\\/v1alpha1", "kind": "ImageBuild",
        \t"metadata": {"name": "hello"},
        \t"spec": {"dockerfile": {"inline": "FROM scratch\\n# \\ud83d\\ude00\\t\\\\/"}, "output": {"image": "r.example.com/x"}}
        }
        """;

    Manifest manifest = manifest(json);

    assertThat(requireNonNull(manifest.build().getSpec().dockerfile()).inline())
        .isEqualTo("FROM scratch\n# \ud83d\ude00\t\\/");
  }

  @Test
  void whatIsNullIsNotThere() {
    Manifest manifest =
        manifest(
            BUILD.replace("tags:", "labels: {a: , b: c}, tags:")
                + "---\n"
                + SITE.replace("\"grüß\"", ""));

    assertThat(manifest.build().getSpec().output().labels())
        .containsExactlyEntriesOf(Map.of("b", "c"));
    assertThat(manifest.configMaps().get("site")).containsEntry("index.html", new byte[0]);
  }

  @Test
  void aByteOrderMarkIsNoPartOfTheText() {
    assertThat(manifest("\uFEFF" + BUILD).build().getMetadata().getName()).isEqualTo("hello");
  }

  @Test
  void anOrderGoesThroughUnchanged() {
    WorkOrder order =
        new OrderMaker(new Random(1)).order(manifest(BUILD), WorkOrder.Settings.none());

    ManifestFile read = ManifestFile.read("order.json", Records.order(order).getBytes(UTF_8));

    assertThat(read).isInstanceOf(Order.class);
    WorkOrder again = ((Order) read).order();
    assertThat(again.resolved()).isEqualTo(order.resolved());
    assertThat(again.settings()).isEqualTo(order.settings());
    assertThat(again.resource().getSpec()).isEqualTo(order.resource().getSpec());
    assertThat(again.resource().getMetadata().getName()).isEqualTo("hello");
  }

  @Test
  void aDeskMakesTheFirstRun() {
    Manifest manifest =
        manifest(
            BUILD
                .replace("dockerfile: {", "isolation: Chroot\n  dockerfile: {")
                .replace("spec:", "spec:\n  source: {git: {url: 'https://git.example.com/a'}}")
                .replace("latest", "\"{{git.shortSha}}-{{run}}\""));

    WorkOrder order = new OrderMaker().order(manifest, WorkOrder.Settings.none());

    assertThat(order.resolved().run()).isEqualTo(1);
    assertThat(order.resolved().attempt()).isEqualTo(1);
    assertThat(order.resolved().revision()).isNull();
    assertThat(order.resolved().tags()).containsExactly("{{git.shortSha}}-1", "run-1");
    assertThat(order.resolved().isolation()).isEqualTo(Isolation.Chroot);
    assertThat(order.resolved().nonce()).matches("[0-9a-f]{32}");
    assertThat(new OrderMaker().order(manifest, WorkOrder.Settings.none()).resolved().nonce())
        .isNotEqualTo(order.resolved().nonce());
  }

  @Test
  void anOrderOfAnotherVersionIsRefused() {
    ManifestException e = refused("{\"apiVersion\":\"work.kiln.build/v9\",\"kind\":\"WorkOrder\"}");

    assertThat(e.code()).isEqualTo(Code.OrderInvalid);
    assertThat(e).hasMessageStartingWith("f.yaml:1:1: not a work order that this builder");
  }

  @Test
  void twoBuildsAreRefused() {
    ManifestException e = refused(SITE + "---\n" + BUILD + "---\n" + BUILD);

    assertThat(e.code()).isEqualTo(Code.NotOneBuild);
    assertThat(e)
        .hasMessage(
            "f.yaml:16:1: there is more than one ImageBuild, ImageMirror or ImagePrunePolicy (kiln.build/v1alpha1): found ConfigMap \"site\" (v1) at line 1, ImageBuild \"hello\" (kiln.build/v1alpha1) at line 9, ImageBuild \"hello\" (kiln.build/v1alpha1) at line 16; put each into a file of its own");
  }

  @Test
  void noBuildIsRefused() {
    assertThat(refused(SITE + "---\n" + BUILD.replace("v1alpha1", "v1beta1")))
        .hasMessage(
            "f.yaml:1:1: there is no ImageBuild, ImageMirror or ImagePrunePolicy (kiln.build/v1alpha1) to run: found ConfigMap \"site\" (v1) at line 1, ImageBuild \"hello\" (kiln.build/v1beta1) at line 9");
    assertThat(refused("# nothing\n"))
        .hasMessage(
            "f.yaml:1:1: there is no ImageBuild, ImageMirror or ImagePrunePolicy (kiln.build/v1alpha1) to run: the file is empty");
    assertThat(refused(BUILD + "---\n- a\n"))
        .hasMessage(
            "f.yaml:8:1: this document is no resource: it needs apiVersion and kind, such as apiVersion: kiln.build/v1alpha1 and kind: ImageBuild");
  }

  @Test
  void configMapsAreChecked() {
    ManifestException e =
        refused(
            BUILD
                + "---\n"
                + SITE.replace("data:\n  index", "data:\n  a b: x\n  n: 8080\n  index")
                    .replace("iVBORw==", "#")
                    .replace("logo.png", "index.html")
                + "spec: {}\n---\n"
                + SITE);

    assertThat(e)
        .hasMessage(
            """
            f.yaml:12:3: "a b" is no key of a ConfigMap: use letters, digits, '-', '_' and '.', and no '..' in front
            f.yaml:13:6: data["n"] must be a text, not the number 8080: put it in quotes
            f.yaml:16:3: the key "index.html" is in data too: remove one of them
            f.yaml:17:1: unknown field "spec"; known here: apiVersion, binaryData, data, immutable, kind, metadata
            f.yaml:19:1: ConfigMap "site" is there already: remove one of them""");
  }

  @Test
  void binaryDataMustBeBase64() {
    assertThat(refused(BUILD + "---\n" + SITE.replace("iVBORw==", "\"%%\"")))
        .hasMessageStartingWith("f.yaml:14:13: binaryData[\"logo.png\"] is no base64 (")
        .hasMessageEndingWith("): encode it, or use data");
  }

  @Test
  void everyProblemIsToldInTheOrderOfTheFile() {
    ManifestException e =
        refused(BUILD.replace("spec:", "spec:\n  retries: -1\n  targt: a").replace("hello}", "}"));

    assertThat(e.code()).isEqualTo(Code.FieldInvalid);
    assertThat(e.problems())
        .extracting(ManifestException.Problem::place)
        .isEqualTo(List.of(new Place(3, 12), new Place(5, 12), new Place(6, 3)));
  }

  private static Manifest manifest(String text) {
    ManifestFile file = ManifestFile.read("f.yaml", text.getBytes(UTF_8));
    assertThat(file).isInstanceOf(Manifest.class);
    return (Manifest) file;
  }

  private static ManifestException refused(String text) {
    return catchThrowableOfType(
        ManifestException.class, () -> ManifestFile.read("f.yaml", text.getBytes(UTF_8)));
  }
}
