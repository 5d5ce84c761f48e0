package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.eclipse.jgit.api.Git;
import org.eclipse.jgit.api.errors.TransportException;
import org.eclipse.jgit.transport.UsernamePasswordCredentialsProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GitServerTest {
  @TempDir private Path folder;

  @Test
  void servesWhatWasPushed() throws Exception {
    try (var server = start()) {
      var uri = "http://127.0.0.1:" + server.port() + "/team/app.git";
      var commit =
          new GitPush(uri).commit(Map.of("Dockerfile", "FROM scratch\n")).push("main", "v1");

      try (var clone = clone(uri)) {
        assertThat(clone.getRepository().resolve("HEAD").name()).isEqualTo(commit);
        assertThat(clone.getRepository().getWorkTree().toPath().resolve("Dockerfile"))
            .hasContent("FROM scratch\n");
        assertThat(clone.tagList().call()).hasSize(1);
      }
    }
  }

  @Test
  void asksForThePasswordOfWhatIsPrivate() throws Exception {
    try (var server = start()) {
      var uri = "http://127.0.0.1:" + server.port() + "/private/app.git";
      var credentials = new UsernamePasswordCredentialsProvider("alice", "secret");
      new GitPush(uri, credentials).commit(Map.of("Dockerfile", "FROM scratch\n")).push("main");

      assertThatThrownBy(() -> clone(uri).close()).isInstanceOf(TransportException.class);
    }
  }

  private GitServer start() throws Exception {
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    return GitServer.start(address, folder.resolve("served"), "alice", "secret");
  }

  private Git clone(String uri) throws Exception {
    var target = Files.createTempDirectory(folder, "clone").toFile();
    return Git.cloneRepository().setURI(uri).setDirectory(target).call();
  }
}
