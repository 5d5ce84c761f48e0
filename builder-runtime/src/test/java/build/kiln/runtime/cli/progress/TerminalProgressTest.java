package build.kiln.runtime.cli.progress;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.build.BuildEvent;
import build.kiln.runtime.build.Vertex;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class TerminalProgressTest {
  private static final Vertex LOAD =
      new Vertex(1, "[internal] load", Vertex.Kind.INTERNAL, "[internal] load");
  private static final Vertex COPY = new Vertex(2, "[1/2] COPY a /", Vertex.Kind.STEP, "COPY a /");
  private static final Vertex RUN = new Vertex(3, "[2/2] RUN make", Vertex.Kind.STEP, "RUN make");

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private long now;

  private TerminalProgress progress(int columns, int lines) {
    return new TerminalProgress(out, new TerminalSize(columns, lines), () -> now);
  }

  private List<String> screen() {
    return Screen.of(bytes.toString(StandardCharsets.UTF_8));
  }

  private static BuildEvent output(Vertex vertex, String text) {
    return new BuildEvent.Output(vertex, text.getBytes(StandardCharsets.UTF_8));
  }

  private static BuildEvent finished(Vertex vertex, CacheResult cache) {
    return new BuildEvent.Finished(vertex, cache, null, Duration.ofMillis(250), null);
  }

  @Test
  void aScreenWhileAStepRuns() {
    try (TerminalProgress progress = progress(40, 24)) {
      progress.on(new BuildEvent.Started(LOAD));
      progress.draw();
      progress.on(new BuildEvent.Finished(LOAD, null, null, Duration.ofMillis(10), null));
      progress.on(new BuildEvent.Started(COPY));
      progress.on(finished(COPY, CacheResult.Hit));
      progress.on(new BuildEvent.Started(RUN));
      progress.on(output(RUN, "one\ntwo\nthr"));
      progress.on(new BuildEvent.Transfer(RUN, "sha256:abc", 1_000_000, 2_000_000));
      now += 1_500_000_000L;
      progress.draw();

      assertThat(screen())
          .containsExactly(
              "[+] Building 1.5s (2/3)",
              " => [internal] load                 0.0s",
              " => CACHED [1/2] COPY a /           0.3s",
              " => [2/2] RUN make                  1.5s",
              " => => sha256:abc 1MB / 2MB",
              " => => # one",
              " => => # two",
              "");
    }
  }

  @Test
  void theLastStateStaysAndAFailedStepKeepsItsLastLines() {
    TerminalProgress progress = progress(40, 24);
    progress.on(new BuildEvent.Started(RUN));
    for (int i = 0; i < 20; i++) {
      progress.on(output(RUN, "line " + i + "\n"));
    }
    progress.on(output(RUN, "\u001b[31mred\u001b[2J and no end"));
    progress.on(new BuildEvent.Failed(RUN, "it exited", Duration.ofSeconds(2)));
    progress.close();
    progress.close();

    assertThat(screen())
        .containsExactly(
            "[+] Building 0.0s (1/1)",
            " => ERROR [2/2] RUN make            2.0s",
            " => => # line 15",
            " => => # line 16",
            " => => # line 17",
            " => => # line 18",
            " => => # line 19",
            " => => # red and no end",
            "");
  }

  @Test
  void longLinesAreCutAndManyScrollAwayOnce() {
    TerminalProgress progress = progress(30, 6);
    for (int i = 1; i <= 9; i++) {
      var vertex = new Vertex(i, "a vertex of a long name, number " + i, Vertex.Kind.STEP, "x");
      progress.on(new BuildEvent.Started(vertex));
      progress.on(finished(vertex, CacheResult.Miss));
      progress.draw();
    }
    progress.close();

    assertThat(screen()).hasSize(11).allMatch(line -> line.length() <= 30);
    assertThat(screen().getFirst()).isEqualTo(" => a vertex of a long... 0.3s");
  }

  @Test
  void warningsStandAboveTheScreen() {
    TerminalProgress progress = progress(40, 24);
    progress.on(new BuildEvent.Started(LOAD));
    progress.draw();
    progress.on(new BuildEvent.Warning("mind this", null));
    progress.close();

    assertThat(screen().subList(0, 2))
        .containsExactly("WARN: mind this", "[+] Building 0.0s (0/1)");
  }
}
