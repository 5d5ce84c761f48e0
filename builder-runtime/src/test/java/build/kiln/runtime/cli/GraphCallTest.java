package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code kiln build --print=graph}, printed in all its forms. */
class GraphCallTest {
  private static final String DOCKERFILE =
      """
      ARG BASE=nohost.invalid/tools:1
      FROM $BASE AS tools
      RUN make "a\\b"
      FROM scratch AS unused
      COPY --from=nohost.invalid/other:1 / /
      FROM scratch AS app
      COPY --link a b /
      COPY --from=tools /x /
      COPY --from=tools /y /
      ENV A=b
      """;

  @TempDir Path folder;
  private Path context;

  @BeforeEach
  void writeContext() throws IOException {
    context = Files.createDirectory(folder.resolve("context"));
    Files.writeString(context.resolve("Dockerfile"), DOCKERFILE);
  }

  private Captured build(String... options) {
    var arguments =
        new ArrayList<>(List.of("build", "--store", folder.resolve("store").toString()));
    arguments.addAll(List.of(options));
    arguments.add(context.toString());
    return Captured.run(arguments.toArray(String[]::new));
  }

  @Test
  void asTables() {
    Captured printed = build("--print=graph");

    assertThat(printed.exitCode()).as(printed.err()).isZero();
    assertThat(printed.err()).isEmpty();
    assertThat(printed.out().replaceAll("looked up: .*", "looked up: ..."))
        .isEqualTo(
            """
            target app, linux/ARCH

            NR   STAGE    LINE   BASE                     BUILT   UNPACKS   NEEDED BY
            0    tools    2      nohost.invalid/tools:1   yes     yes       COPY in app:8,9
            1    unused   4      scratch                  no      -         -
            2    app      6      scratch                  yes     -         the target

            IMAGE                    DIGEST   LAYERS   SIZE   NEEDS   PULL   UNPACK
            nohost.invalid/tools:1   ?        ?        ?      root    ?      yes
            nohost.invalid/tools:1 could not be looked up: ...

            STAGE   LINE   LAYER   NEEDS   READS             INSTRUCTION
            tools   3      yes     root    -                 RUN make "a\\b"
            app     7      yes     -       context: a b      COPY --link a b /
            app     8      yes     index   stage tools: /x   COPY --from=tools /x /
            app     9      yes     index   stage tools: /y   COPY --from=tools /y /
            app     10     -       -       -                 ENV A=b
            """
                .replace("ARCH", build.kiln.runtime.oci.Platform.host().architecture()));
  }

  @Test
  void asJson() {
    Captured printed = build("--call", "graph,format=json");

    assertThat(printed.exitCode()).as(printed.err()).isZero();
    JsonNode document = Json.tree(printed.out().getBytes(StandardCharsets.UTF_8), "the output");
    assertThat(document.fieldNames())
        .toIterable()
        .containsExactly("schemaVersion", "target", "platform", "stages", "images", "edges");
    assertThat(document.path("schemaVersion").asInt()).isEqualTo(1);
    assertThat(document.path("stages").path(0))
        .hasToString(
            """
            {"id":"stage:0","number":0,"name":"tools","line":2,"base":"image:nohost.invalid/tools:1","needed":true,\
            "neededBy":[{"link":"copy","by":"stage:2","line":8},{"link":"copy","by":"stage:2","line":9}],"unpacks":true,\
            "steps":[{"line":3,"instruction":"RUN make \\"a\\\\b\\"","trigger":false,"layer":true,"needs":"root","reads":[]}]}""");
    assertThat(document.path("stages").path(2).path("steps").path(0))
        .hasToString(
            """
            {"line":7,"instruction":"COPY --link a b /","trigger":false,"layer":true,"needs":"none",\
            "reads":[{"link":"copy","from":"context","paths":["a","b"]}]}""");
    assertThat(document.path("images").path(0).toString())
        .startsWith(
            """
            {"id":"image:nohost.invalid/tools:1","name":"nohost.invalid/tools:1","needs":"root","unpacked":true,"problem":\
            """);
    assertThat(document.path("edges").toString())
        .contains(
            """
            {"from":"stage:0","to":"stage:2","link":"copy","line":8}""");
  }

  @Test
  void asDot() {
    Captured printed = build("--print=graph,format=dot");

    assertThat(printed.exitCode()).as(printed.err()).isZero();
    Dot dot = Dot.parse(printed.out());
    assertThat(dot.nodes().keySet())
        .containsExactly(
            "stage:0",
            "stage:1",
            "stage:2",
            "image:nohost.invalid/tools:1",
            "scratch",
            "image:nohost.invalid/other:1",
            "context");
    assertThat(dot.nodes().get("stage:0"))
        .containsEntry("label", "tools\\l* RUN make \\\"a\\\\b\\\"\\l");
    assertThat(dot.nodes().get("stage:1")).containsEntry("style", "dashed");
    assertThat(dot.nodes().get("stage:2")).containsEntry("style", "bold");
    assertThat(dot.edges())
        .contains(
            Map.entry("stage:0 -> stage:2", Map.of("label", "COPY 8,9")),
            Map.entry("context -> stage:2", Map.of("label", "COPY 7")),
            Map.entry(
                "image:nohost.invalid/other:1 -> stage:1",
                Map.of("label", "COPY 5", "style", "dashed")));
  }

  @Test
  void argumentsAndTargetApply() {
    assertThat(build("--print=graph", "--build-arg", "BASE=scratch", "--target", "tools").out())
        .contains("target tools", "tools    2      scratch ")
        .doesNotContain("nohost.invalid/tools");
    assertThat(build("--print=graph", "--target", "tolls").err()).contains("did you mean tools?");
  }

  @Test
  void buildIsTheDefault() throws IOException {
    Files.writeString(context.resolve("Dockerfile"), "FROM scratch\nENV A=b\n");
    assertThat(build("--call=build", "-q").out()).startsWith("sha256:");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          graf              | want graph[,format=
          check             | kiln check runs the build checks
          graph,format=yaml | "format=yaml" is unknown; want format=text or format=json or format=dot
          graph,json        | "json" is unknown
          build,format=json | build has no format
          """)
  void mistakes(String call, String message) {
    Captured printed = build("--print=" + call);

    assertThat(printed.exitCode()).isEqualTo(2);
    assertThat(printed.err()).contains(message);
    assertThat(printed.out()).isEmpty();
  }
}
