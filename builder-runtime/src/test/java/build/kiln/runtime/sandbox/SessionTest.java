package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.posix.ChildProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Both ways of starting a program give it the same. */
class SessionTest {
  private static final Path SETSID = Path.of("/usr/bin/setsid");

  /** Whether it leads its session, its folder, how many variables it has; then it fails. */
  private static final String SCRIPT =
      """
      read -r pid name state parent group session rest </proc/$$/stat
      echo $((pid - session))
      pwd
      tr '\\0' '\\n' </proc/$$/environ | wc -l
      read -r line
      echo "$line"
      exit 9
      """;

  private final Session session = new Session(SETSID);

  @BeforeEach
  void needsSetsid() {
    Assumptions.assumeTrue(Files.isExecutable(SETSID), "no " + SETSID);
  }

  private static String result(Process process) throws IOException, InterruptedException {
    try (var in = process.getOutputStream()) {
      in.write("told\n".getBytes(StandardCharsets.US_ASCII));
    }
    try (var out = process.getInputStream();
        var err = process.getErrorStream()) {
      String all = new String(out.readAllBytes(), StandardCharsets.US_ASCII);
      return all + new String(err.readAllBytes(), StandardCharsets.US_ASCII) + process.waitFor();
    }
  }

  @Test
  void theProgramLeadsASessionInTheRootWithAnEmptyEnvironment() throws Exception {
    List<String> argv = List.of("/bin/sh", "-c", SCRIPT);
    String expected = "0\n/\n0\ntold\n9";

    assertThat(result(session.startBySetsid(argv))).isEqualTo(expected);
    assertThat(result(session.start(argv))).isEqualTo(expected);
  }

  @Test
  void theQuickerWayIsTakenWhereThereIsOne() throws Exception {
    Process process = session.start(List.of("/bin/true"));

    assertThat(process instanceof ChildProcess).isEqualTo(ChildProcess.supported());
    assertThat(process.waitFor()).isZero();
  }
}
