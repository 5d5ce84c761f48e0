package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Installing, and what kubectl shows of the API. */
@EndToEnd
class InstallE2E {
  private final Installation installation;

  InstallE2E(Installation installation) {
    this.installation = installation;
  }

  @Test
  @ResourceLock(value = EndToEnd.OPERATOR, mode = ResourceAccessMode.READ)
  void theChartsOwnTestPasses() {
    assertThat(installation.test()).contains("Succeeded");
  }

  /** What {@code ./quickstart --k3s} does once there is a cluster. */
  @Test
  void theQuickstartsBuild() throws IOException {
    var cluster = installation.cluster();
    var screen = new ArrayList<String>();
    var problems = HelloOnK3s.build(cluster, installation.repository(), screen::add);
    assertThat(problems).as(String.join("\n", screen)).isEmpty();
    cluster.kubectl().ok("delete", "kbuild", "hello", "--wait=false");
  }

  @Test
  void crdsCanBeAppliedByThemselves() {
    var kubectl = installation.cluster().kubectl();
    var applied =
        kubectl.ok(
            "apply",
            "--server-side",
            "--force-conflicts",
            "-f",
            installation.repository().resolve("crds").toString());
    assertThat(applied).contains("imagebuilds.kiln.build serverside-applied");
  }

  @Test
  void theApiExplainsItself() {
    var kubectl = installation.cluster().kubectl();
    assertThat(kubectl.ok("explain", "imagebuild.spec", "--recursive"))
        .contains("source", "dockerfile", "buildArgs", "output", "isolation", "-required-");
    assertThat(kubectl.ok("explain", "imagebuild.spec.source.git.revision"))
        .contains("A branch, a tag, a full ref or a commit");
    assertThat(kubectl.ok("explain", "kbuild.status.runs.failure")).contains("Why it failed");
  }
}
