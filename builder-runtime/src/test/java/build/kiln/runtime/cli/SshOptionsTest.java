package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.ssh.AgentServer;
import build.kiln.runtime.ssh.RelayedAgent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SshOptionsTest {
  @TempDir Path folder;

  @Test
  void anAgentIsTheUsersOrANamedOne() throws Exception {
    Path socket = folder.resolve("agent");
    try (var server = AgentServer.start(socket, client -> {})) {
      assertThat(
              SshOptions.parse(
                  List.of("default", "other=" + socket),
                  Map.of("SSH_AUTH_SOCK", socket.toString())))
          .containsOnly(
              Map.entry("default", new RelayedAgent(socket)),
              Map.entry("other", new RelayedAgent(socket)));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "default | SSH_AUTH_SOCK is not set",
        "=x | no id",
        "a=/no/such/file | /no/such/file is not there",
        "a=FOLDER/text | is no private key",
        "a=FOLDER | cannot be read",
      })
  void mistakesAreSaid(String option, String words) throws Exception {
    Files.writeString(folder.resolve("text"), "text");
    assertThatThrownBy(
            () -> SshOptions.parse(List.of(option.replace("FOLDER", folder.toString())), Map.of()))
        .isInstanceOf(CommandFailure.class)
        .hasMessageContaining(words);
  }

  @Test
  void twoOfOneIdAreRefused() throws Exception {
    Path socket = folder.resolve("agent");
    try (var server = AgentServer.start(socket, client -> {})) {
      assertThatThrownBy(() -> SshOptions.parse(List.of("a=" + socket, "a=" + socket), Map.of()))
          .hasMessageContaining("two of this id");
      assertThatThrownBy(() -> SshOptions.parse(List.of("a=" + socket + "," + socket), Map.of()))
          .hasMessageContaining("stands alone");
    }
  }
}
