package build.kiln.operator.quickstart;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Pulls the image that a build claims to have pushed, and compares. */
record Proof(RegistryClient client) {

  /**
   * Pulls and shows it.
   *
   * @return what is not as it should be; empty if all is well
   */
  List<String> of(ImageBuild build, Screen screen) throws IOException {
    if (Hello.ready(build).filter(ready -> ready.getStatus().equals("True")).isEmpty()) {
      return List.of(
          "the build did not succeed: "
              + Hello.ready(build)
                  .map(ready -> ready.getReason() + ": " + ready.getMessage())
                  .orElse("it has no Ready condition"));
    }
    List<String> problems = new ArrayList<>();
    var claimed = Optional.ofNullable(build.getStatus().image()).orElse("");
    var repository = build.getSpec().output().image();
    var tags = build.getStatus().newestRun().orElseThrow().number();
    for (var tag : List.of("latest", "run-" + tags)) {
      var pulled = PulledImage.pull(client, Reference.parse(repository + ":" + tag));
      var served = repository + "@" + pulled.digest();
      if (!claimed.equals(served)) {
        problems.add(
            "status.image is %s, but %s:%s is %s".formatted(claimed, repository, tag, served));
      }
      if (tag.equals("latest")) {
        screen.text("\nPulled back from the registry, %s:%s".formatted(repository, tag));
        screen.text(pulled.describe());
        var text = pulled.text(Hello.FILE).orElse("");
        screen.text("/" + Hello.FILE + ": " + text);
        if (!text.equals(Hello.CONTENT)) {
          problems.add("/%s should be %s".formatted(Hello.FILE, Hello.CONTENT.strip()));
        }
      }
    }
    return problems;
  }
}
