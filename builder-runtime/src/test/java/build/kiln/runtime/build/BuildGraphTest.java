package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.BuildGraph.Blobs;
import build.kiln.runtime.build.BuildGraph.Edge;
import build.kiln.runtime.build.BuildGraph.Files;
import build.kiln.runtime.build.BuildGraph.FoundImage;
import build.kiln.runtime.build.BuildGraph.ImageNode;
import build.kiln.runtime.build.BuildGraph.Read;
import build.kiln.runtime.build.BuildGraph.StageNode;
import build.kiln.runtime.build.BuildGraph.StepNode;
import build.kiln.runtime.build.BuildGraph.Use;
import build.kiln.runtime.oci.ImageConfig.ContainerConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a build says it would do, and that it does just that. */
class BuildGraphTest {
  @TempDir Path folder;
  private BuildBench bench;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    bench.file("a.txt", "a");
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  private String base(String name, String... triggers) throws IOException {

    return bench.base(
        name,
        sink -> BuildBench.text(sink, "f", name),
        triggers.length == 0
            ? new ContainerConfig(
                null,
                null,
                List.of("HOME=/h", "DIR=d"),
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null)
            : new ContainerConfig(
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                List.of(triggers),
                null,
                null));
  }

  @Test
  void stagesAreNeededForReasonsOrNotBuilt() throws Exception {
    BuildGraph graph =
        bench.graph(
            """
            FROM scratch AS one
            FROM one AS two
            FROM nohost.invalid/unused:1 AS three
            RUN true
            FROM scratch AS four
            FROM scratch
            COPY --from=two /x /
            COPY --from=0 /x /
            RUN --mount=type=bind,from=four,target=/m --mount=from=two,target=/n true
            """,
            false);

    assertThat(graph.target().name()).isEqualTo("stage-4");
    assertThat(graph.stages().stream().map(BuildGraphTest::why))
        .containsExactly(
            "one: FROM two 2, COPY stage-4 8",
            "two: COPY stage-4 7, MOUNT stage-4 9",
            "three: ",
            "four: MOUNT stage-4 9",
            "stage-4: TARGET stage-4 0");
    assertThat(graph.images()).isEmpty();
    assertThat(graph.edges().stream().map(BuildGraphTest::edge))
        .containsExactly(
            "scratch -> stage:0 FROM 1",
            "stage:0 -> stage:1 FROM 2",
            "image:nohost.invalid/unused:1 -> stage:2 FROM 3",
            "scratch -> stage:3 FROM 5",
            "scratch -> stage:4 FROM 6",
            "stage:1 -> stage:4 COPY 7",
            "stage:0 -> stage:4 COPY 8",
            "stage:3 -> stage:4 MOUNT 9",
            "stage:1 -> stage:4 MOUNT 9");
  }

  private static String why(StageNode stage) {
    return stage.self().name()
        + ": "
        + stage.needs().stream()
            .map(need -> need.link() + " " + need.by().name() + " " + need.line())
            .collect(Collectors.joining(", "));
  }

  private static String edge(Edge edge) {
    return "%s -> %s %s %d".formatted(edge.from().id(), edge.to().id(), edge.link(), edge.line());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          COPY a.txt $DIR/b /x/                       | INDEX | COPY context a.txt d/b
          COPY --link a.txt /x/                       | NONE  | COPY context a.txt
          COPY --link --chown=1:2 a.txt /x/           | NONE  | COPY context a.txt
          COPY --link --chown=app a.txt /x/           | INDEX | COPY context a.txt
          COPY --from=s / /                           | INDEX | COPY stage:0 /
          COPY --from=scratch / /                     | INDEX | COPY scratch /
          ADD a.txt https://e.example/x $DIR /        | INDEX | ADD context a.txt d; ADD url:https://e.example/x
          ADD https://u:p@e.example/x.git#m /         | INDEX | ADD git:https://***@e.example/x.git#m
          WORKDIR /w                                  | INDEX |
          WORKDIR /                                   | NONE  |
          RUN true                                    | ROOT  |
          RUN --mount=target=/m true                  | ROOT  | MOUNT context
          RUN --mount=source=$DIR,target=/m true      | ROOT  | MOUNT context d
          RUN --mount=from=s,source=/o,target=/m true | ROOT  | MOUNT stage:0 /o
          RUN --mount=type=cache,target=/m true       | ROOT  |
          RUN --mount=type=cache,from=s,target=/m true | ROOT | MOUNT stage:0
          RUN --mount=type=secret,id=x --mount=type=tmpfs,target=/t true | ROOT |
          ENV A=b                                     | NONE  |
          COPY ${NONE:?no} /                          | INDEX | COPY context ${NONE:?no}
          """)
  void stepsNeedFilesAndReadOthers(String instruction, Files files, String reads) throws Exception {
    StepNode step =
        bench
            .graph("FROM scratch AS s\nFROM " + base("b:1") + "\n" + instruction, false)
            .stages()
            .getLast()
            .steps()
            .getLast();

    assertThat(step.text()).isEqualTo(instruction);
    assertThat(step.line()).isEqualTo(3);
    assertThat(step.files()).isEqualTo(files);
    assertThat(step.reads().stream().map(BuildGraphTest::read).collect(Collectors.joining("; ")))
        .isEqualTo(Objects.requireNonNullElse(reads, ""));
  }

  private static String read(Read read) {
    return (read.link() + " " + read.source().id() + " " + String.join(" ", read.paths())).strip();
  }

  @Test
  void anImageIsUsedAsMuchAsAStepSays() throws Exception {
    String unpacked = base("unpacked:1");
    String copied = base("copied:1");
    String named = base("named:1");
    String indexed = base("indexed:1");
    String dockerfile =
        """
        FROM %s AS below
        FROM below AS files
        RUN true
        FROM %s AS more
        ENV A=b
        FROM %s
        COPY --from=files /f /1
        COPY --from=more /f /2
        COPY --from=%s /f /3
        """
            .formatted(unpacked, named, indexed, copied);

    assertThat(uses(bench.graph(dockerfile, false)))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                unpacked, Use.ROOT, named, Use.CONTENT, indexed, Use.INDEX, copied, Use.CONTENT));
    assertThat(uses(bench.graph("FROM " + named + "\nENV A=b", false)))
        .containsExactly(Map.entry(named, Use.CONFIG));
    assertThat(uses(bench.graph("FROM " + named + "\nENV A=b", true)))
        .containsExactly(Map.entry(named, Use.CONTENT));
  }

  private static Map<String, Use> uses(BuildGraph graph) {
    return graph.images().stream()
        .collect(Collectors.toMap(image -> image.self().name(), ImageNode::use));
  }

  @Test
  void whatItSaysIsPulledIsPulled() throws Exception {
    String named = base("named:1");
    String dockerfile = "FROM " + named + "\nCOPY a.txt /";

    FoundImage before = image(dockerfile, false);
    assertThat(before.name()).isEqualTo(named);
    assertThat(before.layers().count()).isEqualTo(1);
    assertThat(before.missing()).isEqualTo(before.layers());
    assertThat(bench.registry.requests().count("GET", "/blobs/")).isEqualTo(1); // configuration

    bench.registry.requests().clear();
    bench.build(dockerfile);
    assertThat(bench.registry.requests().count("GET", "/blobs/")).isEqualTo(1); // the layer

    assertThat(image(dockerfile, false).missing()).isEqualTo(new Blobs(0, 0));
    assertThat(image(dockerfile, false).digest()).isEqualTo(before.digest());
    assertThat(image("FROM " + base("other:1"), false).missing()).isEqualTo(new Blobs(0, 0));
    assertThat(image("FROM " + base("other:1"), true).missing().count()).isEqualTo(1);
  }

  private FoundImage image(String dockerfile, boolean whole) throws Exception {
    return Objects.requireNonNull(bench.graph(dockerfile, whole).images().getFirst().found());
  }

  @Test
  void triggersAreSteps() throws Exception {
    String base = base("triggers:1", "COPY --from=files /a.txt /", "ENV A=b");
    BuildGraph graph =
        bench.graph("FROM scratch AS files\nCOPY a.txt /\nFROM " + base + "\nENV B=c", false);

    assertThat(graph.stages().stream().map(BuildGraphTest::why))
        .containsExactly("files: COPY stage-1 3", "stage-1: TARGET stage-1 0");
    assertThat(graph.stages().getLast().steps().stream().map(StepNode::trigger))
        .containsExactly(true, true, false);

    assertThat(
            bench
                .graph("FROM scratch AS p\nONBUILD COPY a.txt /t\nFROM p", false)
                .stages()
                .getLast()
                .steps())
        .containsExactly(
            new StepNode(
                2,
                "COPY a.txt /t",
                true,
                true,
                Files.INDEX,
                List.of(
                    new Read(
                        BuildGraph.Link.COPY, BuildGraph.Source.context(), List.of("a.txt")))));
  }

  @Test
  void anImageThatCannotBeLookedUpIsAPartOfThePicture() throws Exception {
    String missing = bench.registry.reference("missing:1").toString();
    bench.allowedBases(name -> !name.name().startsWith("forbidden"));

    BuildGraph graph =
        bench.graph(
            "FROM %s AS a\nFROM forbidden.example/x\nADD $X /\nCOPY --from=a / /"
                .formatted(missing),
            false);

    assertThat(graph.images()).hasSize(2).allMatch(image -> image.found() == null);
    assertThat(graph.images().stream().map(ImageNode::problem))
        .satisfiesExactly(
            problem -> assertThat(problem).contains("the manifest of " + missing),
            problem -> assertThat(problem).contains("does not allow base images"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          FROM UPPER/Case                              | must be lower case
          FROM scratch AS a\\nCOPY --from=b / /\\nFROM scratch AS b\\nFROM a | comes later
          FROM scratch\\nRUN --security=insecure true  | is not supported
          FROM --platform=a/b/c/d scratch              | not a platform
          """)
  void whatNoBuildCanBeIsNoPicture(String dockerfile, String message) {
    BuildException refused =
        catchThrowableOfType(
            BuildException.class, () -> bench.graph(dockerfile.replace("\\n", "\n"), false));

    assertThat(refused).hasMessageContaining(message);
    assertThat(refused.reason()).isEqualTo(FailureReason.DockerfileInvalid);
  }

  @Test
  void argumentsAndTargetApply() throws Exception {
    String dockerfile =
        "ARG B=none\nFROM scratch AS one\nFROM scratch AS two\nFROM $B\nARG D\nCOPY $D /\nFROM one";
    bench.request(
        r ->
            BuilderTest.target(
                BuilderTest.change(r, Map.of("B", "two", "D", "dir", "UNKNOWN", "x")), "2"));

    BuildGraph graph = bench.graph(dockerfile, false);

    assertThat(graph.target().id()).isEqualTo("stage:2");
    assertThat(graph.stages().stream().map(StageNode::needed))
        .containsExactly(false, true, true, false);
    assertThat(graph.stages().get(2).steps().getFirst().reads().getFirst().paths())
        .containsExactly("dir");
    assertThat(bench.events.toString()).contains("no ARG of the Dockerfile takes", "UNKNOWN");
  }
}
