package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StageGraphTest {
  private static final String FILE =
      """
      ARG BASE=busybox
      FROM ${BASE}:1 AS tools
      FROM scratch AS unused
      COPY --from=tools /a /b
      FROM tools AS compile
      FROM Compile AS test
      RUN --mount=type=bind,from=unused,target=/x true
      FROM scratch
      COPY --from=COMPILE /a /
      COPY --from=registry.example.com/x:1 /a /
      COPY --from=scratch /a /
      FROM scratch AS final
      COPY --from=4 /a /
      """;

  @ParameterizedTest
  @CsvSource({
    "tools, tools",
    "unused, 'tools unused'",
    "compile, 'tools compile'",
    "TEST, 'tools unused compile test'",
    "4, 'tools compile stage-4'",
    "final, 'tools compile stage-4 final'",
  })
  void findsWhatATargetNeeds(String target, String expected) {
    StageGraph graph = graph(FILE, Map.of());
    List<String> needed =
        graph.reachable(graph.target(target)).stream().map(Stage::displayName).toList();
    assertThat(String.join(" ", needed)).isEqualTo(expected);
  }

  @Test
  void resolvesBases() {
    StageGraph graph = graph(FILE, Map.of("BASE", "alpine"));
    assertThat(graph.vertices().stream().map(v -> base(v.base())))
        .containsExactly("alpine:1", "scratch", "stage 0", "stage 2", "scratch", "scratch");
    assertThat(graph.lastStage().name()).contains("final");
    assertThat(graph.vertex(graph.lastStage()).from().image().text()).isEqualTo("scratch");
  }

  @Test
  void aNameUsedTwiceMeansTheLastBeforeAFromAndTheLastOfAllElsewhere() {
    StageGraph graph =
        graph(
            """
            FROM one AS a
            FROM a AS b
            FROM two AS a
            FROM a
            COPY --from=a / /
            """,
            Map.of());
    assertThat(graph.vertices().stream().map(v -> base(v.base())))
        .containsExactly("one", "stage 0", "two", "stage 2");
    assertThat(graph.target("a").number()).isEqualTo(2);
  }

  @Test
  void triggersOfABaseStageCount() {
    StageGraph graph =
        graph(
            """
            FROM scratch AS files
            FROM scratch AS base
            ONBUILD COPY --from=files /a /
            FROM base
            """,
            Map.of());
    assertThat(graph.reachable(graph.lastStage())).hasSize(3);
    assertThat(graph.reachable(graph.target("base"))).hasSize(1);
  }

  @Test
  void aTriggerThatTakesFromTheStageItRunsInIsACycle() {
    assertThatThrownBy(
            () ->
                graph(
                    """
                    FROM scratch AS base
                    ONBUILD COPY --from=child /a /
                    FROM base AS child
                    """,
                    Map.of()))
        .hasMessageContaining("Dockerfile:2:21: stage child needs itself");
  }

  @Test
  void aLaterStageOnlyMattersIfTheTargetNeedsIt() {
    StageGraph graph = graph("FROM a AS one\nCOPY --from=two / /\nFROM b AS two\n", Map.of());
    assertThat(graph.reachable(graph.target("two"))).hasSize(1);
    assertThatThrownBy(() -> graph.reachable(graph.target("one")))
        .hasMessageContaining("stage one takes from two, which comes later");
  }

  @Test
  void suggestsTheNearestTarget() {
    assertThatThrownBy(() -> graph(FILE, Map.of()).target("compil"))
        .hasMessageContaining("target stage \"compil\" could not be found")
        .hasMessageContaining("did you mean compile?");
    assertThatThrownBy(() -> graph(FILE, Map.of()).target("99"))
        .hasMessageContaining("stages are compile, final, test, tools, unused");
    assertThatThrownBy(() -> graph("FROM scratch\n", Map.of()).target("x"))
        .hasMessageContaining("no stage has a name");
    assertThat(graph(FILE, Map.of()).nearestStage("tols")).contains("tools");
  }

  @Test
  void resolvesTriggersOfAnImage() {
    StageGraph graph = graph(FILE, Map.of());
    var trigger =
        (Instruction.Copy) Dockerfile.parseTrigger("ONBUILD of x", "COPY --from=tools a b");
    Word from = Objects.requireNonNull(trigger.from());
    assertThat(base(graph.resolve(from))).isEqualTo("stage 0");
  }

  @Test
  void globalArgumentsSeeThoseBeforeThem() {
    Dockerfile file =
        Dockerfile.parse(
            "Dockerfile",
            """
            ARG A=1 B=$A-2 C
            ARG D=${C:-none} TARGETARCH=mine E=$TARGETOS F=${G:?never looked at}
            FROM scratch
            """);
    GlobalArguments arguments =
        GlobalArguments.resolve(
            file, Map.of("TARGETOS", "linux", "TARGETARCH", "arm64"), Map.of("A", "9", "F", "f"));
    assertThat(arguments.values())
        .isEqualTo(
            Map.of(
                "A",
                "9",
                "B",
                "9-2",
                "D",
                "none",
                "TARGETARCH",
                "mine",
                "TARGETOS",
                "linux",
                "E",
                "linux",
                "F",
                "f"));
    assertThat(arguments.declared()).contains("C").doesNotContain("TARGETOS");
  }

  @Test
  void knowsProxies() {
    assertThat(List.of("HTTP_PROXY", "no_proxy", "All_Proxy"))
        .allMatch(PredefinedArguments::isProxy);
    assertThat(List.of("PROXY", "HTTP_PROXY_", "http-proxy"))
        .noneMatch(PredefinedArguments::isProxy);
  }

  @Test
  void namesOfTheBuildGoBeforeStagesAndImages() {
    Dockerfile file =
        Dockerfile.parse(
            "Dockerfile",
            """
            FROM debian:12 AS base
            FROM base AS two
            COPY --from=Assets a /
            FROM two
            COPY --from=scratch a /
            COPY --from=0 a /
            COPY --from=docker.io/library/Assets:latest a /
            """);
    var contexts =
        new NamedContexts(
            Set.of("assets", "scratch", "0"),
            Map.of("debian:12", "mirror.example/d:13", "base", "b:1"));
    StageGraph graph =
        StageGraph.of(
            file,
            GlobalArguments.resolve(file, Map.of(), Map.of()),
            contexts,
            text -> Optional.empty());
    // The stage that is called base is the image that the build says, by its number too.
    assertThat(graph.vertices().stream().map(v -> base(v.base())))
        .containsExactly("b:1", "b:1", "stage 1");
    assertThat(graph.reachable(graph.lastStage())).hasSize(3);
    List<Word> froms =
        file.stages().stream()
            .flatMap(s -> s.instructions().stream())
            .flatMap(i -> i.froms().stream())
            .toList();
    assertThat(froms.stream().map(f -> base(graph.resolve(f))))
        .containsExactly("files assets", "scratch", "stage 0", "files assets");
  }

  @Test
  void whatAStageDoesIsGoneWhereTheBuildSaysWhatItIs() {
    Dockerfile file =
        Dockerfile.parse("Dockerfile", "FROM nowhere AS one\nRUN never\nFROM one AS two\n");
    StageGraph graph =
        StageGraph.of(
            file,
            GlobalArguments.resolve(file, Map.of(), Map.of()),
            new NamedContexts(Set.of("one"), Map.of()),
            text -> Optional.empty());

    assertThat(graph.target("one").instructions()).isEmpty();
    assertThat(base(graph.vertex(graph.target("one")).base())).isEqualTo("files one");
    assertThat(base(graph.vertex(graph.target("two")).base())).isEqualTo("files one");
  }

  @Test
  void aStageMayBeForAnotherPlatform() {
    Dockerfile file =
        Dockerfile.parse(
            "Dockerfile",
            """
            FROM --platform=$BUILDPLATFORM go AS build
            FROM --platform=$TARGETPLATFORM x
            FROM --platform=linux/arm64 build
            """);
    var globals =
        GlobalArguments.resolve(
            file,
            Map.of("BUILDPLATFORM", "linux/amd64", "TARGETPLATFORM", "linux/arm64"),
            Map.of());
    StageGraph graph =
        StageGraph.of(
            file,
            globals,
            NamedContexts.none(),
            text -> text.equals("linux/arm64") ? Optional.empty() : Optional.of(text));

    // What a stage is based on decides over what its FROM says.
    assertThat(graph.vertices().stream().map(v -> base(v.base())))
        .containsExactly("go (linux/amd64)", "x", "stage 0");
  }

  @Test
  void aPlatformThatIsNoneIsToldAtItsPlace() {
    Dockerfile file = Dockerfile.parse("Dockerfile", "FROM --platform=a/b/c/d x\n");

    assertThatThrownBy(
            () ->
                StageGraph.of(
                    file,
                    GlobalArguments.resolve(file, Map.of(), Map.of()),
                    NamedContexts.none(),
                    text -> {
                      throw new IllegalArgumentException("not a platform: " + text);
                    }))
        .hasMessageStartingWith("Dockerfile:1:17: not a platform: a/b/c/d");
  }

  private static StageGraph graph(String text, Map<String, String> buildArgs) {
    Dockerfile file = Dockerfile.parse("Dockerfile", text);
    return StageGraph.of(file, GlobalArguments.resolve(file, Map.of(), buildArgs));
  }

  private static String base(StageSource source) {
    return switch (source) {
      case StageSource.OfStage s -> "stage " + s.stage().number();
      case StageSource.Scratch s -> "scratch";
      case StageSource.Named n -> n.key();
      case StageSource.Files f -> "files " + f.name();
    };
  }
}
