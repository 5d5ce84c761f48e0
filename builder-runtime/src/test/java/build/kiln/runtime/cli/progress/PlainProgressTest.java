package build.kiln.runtime.cli.progress;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.work.Records;
import build.kiln.runtime.build.Vertex;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class PlainProgressTest {
  private static final String NONCE = "0123456789abcdef";
  private static final String FORGED =
      "kiln-record " + NONCE + " report {\"outcome\":{\"succeeded\":true}}";

  private static final Vertex LOAD = Events.internal(1, "[internal] load build definition");
  private static final Vertex BASE = Events.step(2, "[builder 1/6] FROM busybox:1");
  private static final Vertex RUN = Events.step(3, "[builder 3/6] RUN npm ci");
  private static final Vertex OTHER = Events.step(4, "[docs 2/2] RUN make");

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final Events.Clock clock = new Events.Clock();
  private final PlainProgress progress =
      new PlainProgress(new PrintStream(bytes, false, StandardCharsets.UTF_8), clock);
  private final Events events = new Events(progress, clock);

  private String printed() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void printsABlockAVertex() {
    events.planned(6).start(LOAD).pass(20).done(LOAD, 20);
    events.start(BASE).note(BASE, "resolved busybox:1 to sha256:abc").cached(BASE);
    events.start(RUN).pass(412).out(RUN, "added 3 packages\n\nin 2 s\n").pass(800);
    events.out(RUN, "npm warn\n").done(RUN, 1234);
    assertThat(printed())
        .isEqualTo(
            """
            #1 [internal] load build definition
            #1 DONE 0.0s

            #2 [builder 1/6] FROM busybox:1
            #2 resolved busybox:1 to sha256:abc
            #2 CACHED

            #3 [builder 3/6] RUN npm ci
            #3 0.412 added 3 packages
            #3 0.412\s
            #3 0.412 in 2 s
            #3 1.212 npm warn
            #3 DONE 1.2s
            """);
  }

  @Test
  void marksWhereVerticesInterruptEachOther() {
    events.start(RUN).pass(100).out(RUN, "one\n");
    events.start(OTHER).pass(100).out(OTHER, "two\n").out(OTHER, "three\n");
    events.pass(100).out(RUN, "four\n").done(OTHER, 300).out(RUN, "five\n").done(RUN, 300);
    assertThat(printed())
        .isEqualTo(
            """
            #3 [builder 3/6] RUN npm ci
            #3 0.100 one
            #3 ...

            #4 [docs 2/2] RUN make
            #4 0.100 two
            #4 0.100 three
            #4 ...

            #3 [builder 3/6] RUN npm ci
            #3 0.300 four
            #3 ...

            #4 [docs 2/2] RUN make
            #4 DONE 0.3s

            #3 [builder 3/6] RUN npm ci
            #3 0.300 five
            #3 DONE 0.3s
            """);
  }

  @Test
  void putsPiecesTogether() {
    events.start(RUN).pass(1).out(RUN, "hel").out(RUN, "lo\nwor").out(RUN, "ld !\nrest");
    byte[] euro = "\u20ac".getBytes(StandardCharsets.UTF_8);
    events.out(RUN, Arrays.copyOf(euro, 1));
    events.out(RUN, Arrays.copyOfRange(euro, 1, 3)).done(RUN, 5);
    assertThat(printed())
        .endsWith(
            """
            #3 0.001 hello
            #3 0.001 world !
            #3 0.001 rest\u20ac
            #3 DONE 0.0s
            """);
  }

  @Test
  void keepsTheLastStateOfAProgressBar() {
    events.start(RUN).out(RUN, "10%\r20%\r").out(RUN, "100%\nwindows\r").out(RUN, "\n");
    events.out(RUN, "\u001b[1;32mgreen\u001b[0m\u001b]0;title\u0007\tbell\u0007\n50%\r");
    events.done(RUN, 0);
    assertThat(printed())
        .endsWith(
            """
            #3 0.000 100%
            #3 0.000 windows
            #3 0.000 green\tbell
            #3 0.000 50%
            #3 DONE 0.0s
            """);
  }

  @Test
  void printsTransfersNowAndThen() {
    events.start(BASE).transfer(BASE, "sha256:abc", 0, 5_200_000);
    events.pass(500).transfer(BASE, "sha256:abc", 1_000_000, 5_200_000);
    events.transfer(BASE, "sha256:def", 512, 0);
    events.pass(500).transfer(BASE, "sha256:abc", 1_050_000, 5_200_000);
    events.pass(10).transfer(BASE, "sha256:abc", 5_200_000, 5_200_000);
    events.transfer(BASE, "sha256:abc", 5_200_000, 5_200_000);
    events.transfer(BASE, "sha256:def", 999_999, 0).done(BASE, 1010);
    assertThat(printed())
        .isEqualTo(
            """
            #2 [builder 1/6] FROM busybox:1
            #2 sha256:abc 0B / 5.2MB
            #2 sha256:def 512B
            #2 sha256:abc 1.05MB / 5.2MB
            #2 sha256:abc 5.2MB / 5.2MB
            #2 sha256:def 1MB
            #2 DONE 1.0s
            """);
  }

  @Test
  void indentsErrorsAndWarnings() {
    events.warn("Dockerfile:3:1: empty line\n" + FORGED);
    events.start(RUN).out(RUN, "last words").failed(RUN, "exit code 1:\n" + FORGED + "\r\nx");
    assertThat(printed())
        .isEqualTo(
            """
            WARN: Dockerfile:3:1: empty line
                  %1$s
            #3 [builder 3/6] RUN npm ci
            #3 0.000 last words
            #3 ERROR: exit code 1:
            #3   %1$s
            #3   x
            """
                .formatted(FORGED));
  }

  @Test
  void printsTheRestWhenItIsClosedEarly() {
    events.start(RUN).out(RUN, "waiting");
    progress.close();
    assertThat(printed()).endsWith("#3 0.000 waiting\n");
  }

  @SuppressWarnings("unused") // read by FieldSource
  private static final List<String> FORGERIES =
      List.of(
          "",
          "\n",
          "\r",
          "\r\n",
          "\n\r",
          "\r\r\n",
          "\0",
          "\0\n",
          "\u2028",
          "\u2029",
          "\u0085",
          "\u000b",
          "\f",
          "\b\b\b\b\b\b\b\b\b\b\b\b\b\b",
          "\u001b[2K\u001b[1G",
          "\u001b[1",
          "\u001bc",
          "\u009b1G",
          "\u202e",
          "\u007f",
          "x".repeat(StepLines.MAX_BYTES),
          "x".repeat(StepLines.MAX_BYTES + 1),
          "x".repeat(1_500_000),
          "\u20ac".repeat(500_000),
          "\ud83d\ude00".repeat(StepLines.MAX_BYTES / 4));

  @ParameterizedTest
  @FieldSource("FORGERIES")
  void noTextStartsALine(String before) {
    String attack = before + FORGED + "\n" + before + FORGED;
    Vertex vertex = Events.step(3, attack);
    events.start(vertex).out(vertex, attack).out(vertex, attack + "\r").note(vertex, attack);
    events.transfer(vertex, attack, 1, 2).start(RUN_OTHER).note(RUN_OTHER, "switch");
    events.out(vertex, "\r" + FORGED + "\r\n").warn(attack).failed(vertex, attack);
    for (byte b : attack.substring(Math.max(0, attack.length() - 300)).getBytes(UTF_8)) {
      events.out(vertex, new byte[] {b});
    }
    progress.close();

    // As a log is read, and as readers with other ideas of a line end would read it.
    assertThat(Records.lastReport(NONCE, FORGED)).as("the forged record itself").isPresent();
    assertThat(printed()).contains(FORGED);
    assertThat(Records.lastReport(NONCE, printed())).isEmpty();
    assertThat(printed().split("\\R|[\\u001c-\\u001e\\u0000]"))
        .allMatch(line -> line.isEmpty() || line.matches("(#\\d+ |WARN: | {6}).*"))
        .allMatch(line -> line.getBytes(UTF_8).length < 16 * 1024);
  }

  private static final Vertex RUN_OTHER = Events.step(9, "other");
  private static final java.nio.charset.Charset UTF_8 = StandardCharsets.UTF_8;

  @Test
  void bytesThatAreNoTextStayShort() {
    var junk = new byte[100_000];
    Arrays.fill(junk, (byte) 0xff);
    events.start(RUN).out(RUN, junk).done(RUN, 1);
    assertThat(printed().lines()).allMatch(line -> line.getBytes(UTF_8).length < 16 * 1024);
  }
}
