package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.FailureReason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Build arguments that people give for BuildKit. */
class BuildKitArgumentsTest {
  private static final String DOCKERFILE = "ARG A=1\nFROM scratch\nCOPY a.txt /\n";

  @TempDir
  @SuppressWarnings("NullAway.Init") // JUnit sets it
  private Path folder;

  @SuppressWarnings("NullAway.Init")
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

  private void given(String name, String value) {
    bench.request(request -> BuilderTest.change(request, Map.of(name, value)));
  }

  @Test
  void anotherFrontEndIsRefused() {
    given("BUILDKIT_SYNTAX", "example.com/front:1");

    BuildException failure =
        Objects.requireNonNull(
            catchThrowableOfType(BuildException.class, () -> bench.build(DOCKERFILE)));

    assertThat(failure.reason()).isEqualTo(FailureReason.DockerfileInvalid);
    assertThat(failure)
        .hasMessageStartingWith("Dockerfile:2:1: the front end example.com/front:1 is not");
    assertThat(notes()).isEmpty();
  }

  @Test
  void itIsSaidThatTheFrontEndIsBuiltIn() throws Exception {
    bench.build("# syntax=docker/dockerfile:1.7\n" + DOCKERFILE);
    assertThat(notes()).contains("the front end docker/dockerfile:1.7 is built in");

    given("BUILDKIT_SYNTAX", "docker/dockerfile:1.9");
    bench.build(DOCKERFILE);
    assertThat(notes()).contains("the front end docker/dockerfile:1.9 is built in");
  }

  private List<String> notes() {
    return bench.events.stream()
        .filter(BuildEvent.Note.class::isInstance)
        .map(event -> ((BuildEvent.Note) event).text())
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "BUILDKIT_SYNTAX, docker/dockerfile:1.7-labs",
    "BUILDKIT_DOCKERFILE_CHECK, skip=all",
    "BUILDKIT_SANDBOX_HOSTNAME, box",
    "BUILDKIT_CACHE_MOUNT_NS, mine",
  })
  void whatIsUnderstoodIsNotWarnedOf(String name, String value) throws Exception {
    given(name, value);

    bench.build(DOCKERFILE);

    assertThat(bench.events).noneMatch(BuildEvent.Warning.class::isInstance);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "BUILDKIT_INLINE_CACHE",
        "BUILDKIT_MULTI_PLATFORM",
        "BUILDKIT_BUILD_NAME",
        "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
      })
  void whatHasNoEffectIsWarnedOf(String name) throws Exception {
    given(name, "1");

    bench.build(DOCKERFILE);

    assertThat(bench.events)
        .filteredOn(BuildEvent.Warning.class::isInstance)
        .singleElement()
        .asString()
        .contains("the build argument " + name + " has no effect here: ");
  }
}
