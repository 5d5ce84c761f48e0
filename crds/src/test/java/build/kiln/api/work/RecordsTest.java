package build.kiln.api.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.api.v1alpha1.ImageBuildStatus.IsolationReport;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImageBuildStatus.Step;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Deletion;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.v1alpha1.PruneFailureReason;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordsTest {
  private static final String NONCE = "0123456789abcdefNONCE";
  private static final String DIGEST = "sha256:" + "a".repeat(64);

  private static Outcome failed(@Nullable String message, @Nullable String tail) {
    return new Outcome(
        false,
        FailureReason.StepFailed,
        message,
        "RUN make",
        7,
        tail,
        null,
        null,
        6,
        2,
        new IsolationReport(Isolation.Auto, Isolation.Namespaces, "crun"),
        10,
        20);
  }

  private static Report report(Outcome outcome, int steps, String text) {
    return new Report(
        outcome,
        "linux/amd64",
        "c0ffee",
        IntStream.range(0, steps)
            .mapToObj(
                i -> new Step(i + " " + text, CacheResult.Miss, text, "1.5s", DIGEST, (long) i))
            .toList(),
        Map.of("steps", 12L),
        1 << 20);
  }

  static Stream<Arguments> texts() {
    return Stream.of(
        Arguments.of("nothing", null),
        Arguments.of("empty", ""),
        Arguments.of("short", "make: *** [all] Error 2\n"),
        Arguments.of("long", "x".repeat(100_000)),
        Arguments.of("bytes that JSON escapes", "\u0001".repeat(100_000)),
        Arguments.of("characters of four bytes", "🔥".repeat(50_000)),
        Arguments.of("half characters", "\ud83d".repeat(10_000) + "\udd25 end"),
        Arguments.of("quotes and lines", "\"\\\n".repeat(30_000)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("texts")
  void anOutcomeIsShortAndWholeJsonWhateverItSays(String name, @Nullable String text) {
    String written = Records.outcome(failed(text, text));

    assertThat(written.getBytes(StandardCharsets.UTF_8).length)
        .isLessThanOrEqualTo(Records.MAX_OUTCOME_BYTES);
    assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(written)).isTrue();
    Outcome read = Records.readOutcome(written).orElseThrow();
    assertThat(read.reason()).isEqualTo(FailureReason.StepFailed);
    assertThat(read.stepExitCode()).isEqualTo(7);
    assertThat(read.steps()).isEqualTo(6);
    assertThat(read.pushedBytes()).isEqualTo(20);
  }

  @Test
  void aTailKeepsItsEndAndAMessageItsStart() {
    Outcome read =
        Records.readOutcome(
                Records.outcome(
                    failed("first" + "m".repeat(9_000), "t".repeat(9_000) + "the last line")))
            .orElseThrow();

    assertThat(read.message()).startsWith("first").endsWith("…");
    assertThat(read.logTail()).startsWith("…").endsWith("the last line");
  }

  @Test
  void imageAndDigestAreNeverCut() {
    String image = "registry.example.com/" + "a".repeat(200) + "@" + DIGEST;
    Outcome good =
        new Outcome(
            true, null, "m".repeat(9_000), null, null, null, image, DIGEST, 1, 1, null, 0, 0);

    assertThat(Records.readOutcome(Records.outcome(good)).orElseThrow())
        .extracting(Outcome::image, Outcome::digest)
        .containsExactly(image, DIGEST);
  }

  static Stream<Arguments> reports() {
    return Stream.of(
        Arguments.of("none", 0, "", 0, 0),
        Arguments.of("a few", 3, "RUN make", 3, 3),
        Arguments.of("many", 500, "RUN make", 50, 200),
        Arguments.of("long texts", 40, "y".repeat(5_000), 1, 40),
        Arguments.of("many long, escaped", 500, "\u0002".repeat(5_000), 1, 500));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("reports")
  void aReportIsOneLineThatFits(String name, int steps, String text, int atLeast, int atMost) {
    String line = Records.report(NONCE, report(failed("message", "t".repeat(99_999)), steps, text));

    assertThat(line.getBytes(StandardCharsets.UTF_8).length)
        .isLessThanOrEqualTo(Records.MAX_REPORT_BYTES);
    assertThat(line).doesNotContain("\n").doesNotContain("\r");
    Report read = Records.lastReport(NONCE, line).orElseThrow();
    assertThat(read.outcome().reason()).isEqualTo(FailureReason.StepFailed);
    assertThat(read.steps()).hasSizeBetween(atLeast, atMost);
    if (steps > 0) {
      assertThat(read.steps().getLast().instruction()).startsWith((steps - 1) + " ");
    }
  }

  @Test
  void aShortReportComesBackAsItWas() {
    Report whole = report(failed("message", "tail"), 4, "RUN make");

    assertThat(Records.lastReport(NONCE, Records.report(NONCE, whole))).contains(whole);
  }

  @Test
  void theLastProgressOfALogIsFound() {
    String log =
        String.join(
            "\n",
            "#1 [1/2] FROM base",
            Records.progress(NONCE, new Progress(1, 2, "FROM base")),
            "#2 [2/2] RUN x",
            Records.progress(NONCE, new Progress(2, 2, "RUN " + "x".repeat(5_000))),
            "output\r",
            Records.progress(NONCE, new Progress(2, 2, "half a line")).substring(0, 60));

    assertThat(Records.lastProgress(NONCE, log))
        .hasValueSatisfying(
            progress -> {
              assertThat(progress.step()).isEqualTo(2);
              assertThat(progress.instruction()).startsWith("RUN xxx").endsWith("…");
            });
    assertThat(Records.lastReport(NONCE, log)).isEmpty();
  }

  static Stream<Arguments> forged() {
    String good = Records.report(NONCE, report(failed("m", "t"), 1, "x"));
    return Stream.of(
        Arguments.of("another nonce", good.replace(NONCE, "0123456789abcdefWRONG")),
        Arguments.of("a prefix", "#2 0.1 " + good),
        Arguments.of("no nonce", good.replace(NONCE + " ", "")),
        Arguments.of("cut", good.substring(0, good.length() - 1)),
        Arguments.of("other JSON", Records.FRAME + " " + NONCE + " report [1]"),
        Arguments.of("no outcome", Records.FRAME + " " + NONCE + " report {}"),
        Arguments.of("another type", good.replace(" report ", " progress ")),
        Arguments.of("nothing", ""));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("forged")
  void whatIsNotFramedByTheNonceIsNotBelieved(String name, String log) {
    assertThat(Records.lastReport(NONCE, log)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "null", "[]", "{}", "\"x\"", "{\"succeeded\":\"yes\"}", "OOM"})
  void whatIsNoOutcomeIsNone(String message) {
    assertThat(Records.readOutcome(message)).isEmpty();
  }

  @Test
  void anOutcomeOfANewerBuilderIsRead() {
    assertThat(
            Records.readOutcome(
                "{\"succeeded\":false,\"reason\":\"SomethingNew\",\"more\":{\"a\":1}}"))
        .hasValueSatisfying(
            outcome -> {
              assertThat(outcome.succeeded()).isFalse();
              assertThat(outcome.reason()).isNull();
            });
  }

  @Test
  void anOrderComesBackAsItWas() throws Exception {
    ImageBuild build =
        JsonMapper.builder()
            .build()
            .readValue(
                """
                {"metadata":{"name":"hello","namespace":"shop"},
                 "spec":{"source":{"inline":[{"path":"a","content":"b"}]},
                         "output":{"image":"r.example.com/x"}}}
                """,
                ImageBuild.class);
    WorkOrder order =
        new WorkOrder(
            build,
            new WorkOrder.Resolved(
                3, 1, "c0ffee", Map.of("V", "1"), List.of("latest"), Isolation.Chroot, NONCE),
            WorkOrder.Settings.none());

    WorkOrder read = Records.readOrder(Records.order(order));

    assertThat(read.resolved()).isEqualTo(order.resolved());
    assertThat(read.resource().getSpec()).isEqualTo(build.getSpec());
    assertThat(read.resource().getMetadata().getName()).isEqualTo("hello");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{}",
        "not json",
        "{\"apiVersion\":\"work.kiln.build/v9\",\"kind\":\"WorkOrder\"}"
      })
  void whatIsNoOrderIsRefused(String json) {
    assertThatThrownBy(() -> Records.readOrder(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("work order");
  }

  @Test
  void aWeakNonceIsRefused() {
    assertThatThrownBy(() -> Records.progress("short", new Progress(1, 1, null)))
        .hasMessageContaining("nonce");
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "\u0001", "🔥"})
  void whatAPolicyCameToAlwaysFits(String character) {
    String text = character.repeat(9000 / character.length());
    var outcome =
        new PruneOutcome(
            false, PruneFailureReason.LimitsExceeded, text, false, true, DIGEST, 9, 8, 7, 6, 5L);
    var report =
        new PruneReport(
            outcome,
            List.of(new Kept("IN_USE", 7)),
            IntStream.range(0, 20)
                .mapToObj(
                    i ->
                        new Deletion(
                            i + text, ImagePrunePolicyStatus.Result.Planned, "RULE", "rules[0]"))
                .toList(),
            text,
            Collections.nCopies(10, new ImagePrunePolicyStatus.Warning("Kind", text)),
            1 << 20);

    String message = Records.outcome(outcome);
    String line = Records.report(NONCE, report);

    assertThat(message.getBytes(StandardCharsets.UTF_8))
        .hasSizeLessThanOrEqualTo(Records.MAX_OUTCOME_BYTES);
    assertThat(line.getBytes(StandardCharsets.UTF_8))
        .hasSizeLessThanOrEqualTo(Records.MAX_REPORT_BYTES);
    assertThat(Records.readPruneOutcome(message))
        .hasValueSatisfying(
            read -> {
              assertThat(read.planHash()).isEqualTo(DIGEST);
              assertThat(read.deleted()).isEqualTo(8);
            });
    assertThat(Records.lastPruneReport(NONCE, line))
        .hasValueSatisfying(
            read -> {
              assertThat(read.kept()).isEqualTo(report.kept());
              assertThat(read.warnings())
                  .hasSize(10)
                  .allMatch(warning -> warning.message().length() <= 1024);
            });
    assertThat(Records.lastPruneReport("another-nonce-12345", line)).isEmpty();
  }

  @Test
  void anOrderOfAPolicyIsReadAsItWasWritten() throws JsonProcessingException {
    var policy = new ImagePrunePolicy();
    policy.setSpec(
        JsonMapper.builder().build().readValue("{\"builds\":{}}", ImagePrunePolicySpec.class));
    var order = new PruneOrder(policy, 3, "hash", NONCE, WorkOrder.Settings.none());

    PruneOrder read = Records.readPruneOrder(Records.order(order));

    assertThat(read.approved()).isEqualTo("hash");
    assertThat(read.run()).isEqualTo(3);
    assertThat(read.resource().getSpec()).isEqualTo(policy.getSpec());
    assertThatThrownBy(() -> Records.readOrder(Records.order(order)))
        .hasMessageContaining("\"PruneOrder\"");
  }

  @Test
  void theOrderOfANodeIsReadAsItWasWritten() {
    var order =
        new NodeOrder(
            "nightly",
            "uid-1",
            3,
            "node-1",
            "uid-2",
            true,
            "24h",
            new ImagePrunePolicySpec.Nodes(
                "168h",
                null,
                null,
                List.of("r.io/base/*"),
                null,
                new ImagePrunePolicySpec.NodeLimits(5, 6)),
            List.of("^v"));
    NodeOrder read = Records.readNodeOrder(Records.order(order));
    assertThat(read).isEqualTo(order);
    assertThatThrownBy(() -> Records.readPruneOrder(Records.order(order)))
        .hasMessageContaining("\"NodeOrder\"");
  }

  @Test
  void theOutcomeOfANodeFitsIntoATerminationMessage() {
    List<Kept> kept = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      kept.add(new Kept("REASON_OF_SOME_LENGTH_" + i, 1_000_000 + i));
    }
    String text = "\u0001\"€".repeat(2000);
    var outcome =
        new NodeOutcome(
            false,
            NodeOutcome.Failure.RuntimeFailed,
            text,
            false,
            9,
            kept,
            8,
            7,
            6,
            5L,
            List.of(text, text, text, text, text));
    String message = Records.outcome(outcome);
    assertThat(message.getBytes(StandardCharsets.UTF_8))
        .hasSizeLessThanOrEqualTo(Records.MAX_OUTCOME_BYTES);
    assertThat(Records.readNodeOutcome(message))
        .hasValueSatisfying(
            read -> {
              assertThat(read.failure()).isEqualTo(NodeOutcome.Failure.RuntimeFailed);
              assertThat(read.kept()).isEqualTo(kept);
              assertThat(read.removed()).isEqualTo(8);
            });
  }
}
