package build.kiln.operator.quickstart;

import build.kiln.api.work.Records;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;

/** Shows what builders print, but for the records that are for the operator. */
final class BuilderOutput implements BiConsumer<Pod, String> {
  private final Screen screen;
  private final Set<String> seen = ConcurrentHashMap.newKeySet();

  BuilderOutput(Screen screen) {
    this.screen = screen;
  }

  @Override
  public void accept(Pod pod, String line) {
    if (seen.add(pod.getMetadata().getUid())) {
      screen.step("pod", pod.getMetadata().getName() + " runs as a process, and prints:");
    }
    if (!Records.isFramed(line)) {
      screen.output(line);
    }
  }
}
