package build.kiln.runtime.node;

import build.kiln.runtime.cri.Cri;
import build.kiln.runtime.cri.CriException;
import build.kiln.runtime.cri.CriException.Code;
import build.kiln.runtime.cri.CriImage;
import build.kiln.runtime.node.NodePlan.Verdict;
import build.kiln.runtime.node.NodeReport.Image;
import build.kiln.runtime.node.NodeReport.Result;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Removes what a plan says. Right before each removal it looks again at containers and at the
 * image, since runtimes need not refuse what is in use: a container that is created in the moment
 * between is not seen. Its image is pulled again then, if its pull policy lets kubelet.
 */
final class NodeExecutor {
  private final Cri cri;
  private final NodeLook look;
  private final Consumer<Image> listener;
  private @Nullable String broken;

  /**
   * @param listener told of each image when it has its end
   */
  NodeExecutor(Cri cri, NodeLook look, Consumer<Image> listener) {
    this.cri = cri;
    this.look = look;
    this.listener = listener;
  }

  /** What became of each image; never fails for the runtime's sake. */
  List<Image> execute(NodePlan plan) throws IOException {
    List<Image> images = new ArrayList<>();
    for (Verdict verdict : plan.verdicts()) {
      Image image =
          verdict.reason().keeps()
              ? Image.of(verdict, Result.KEPT, verdict.detail())
              : removed(verdict);
      images.add(image);
      if (image.result() != Result.KEPT) {
        listener.accept(image);
      }
    }
    return images;
  }

  private Image removed(Verdict verdict) throws IOException {
    if (broken != null) {
      return Image.of(verdict, Result.LEFT, "not tried: " + broken);
    }
    try {
      return remove(verdict);
    } catch (CriException e) {
      String message = String.valueOf(e.getMessage());
      if (e.code() != Code.REFUSED && e.code() != Code.NOT_FOUND) {
        broken = message;
      }
      return Image.of(verdict, Result.FAILED, message);
    }
  }

  private Image remove(Verdict verdict) throws IOException {
    CriImage planned = verdict.image();
    Optional<CriImage> now = look.image(planned.id());
    if (now.isEmpty()) {
      return Image.of(verdict, Result.GONE, "it was not there any more");
    }
    if (now.get().pinned()) {
      return Image.of(verdict, Result.LEFT, "the runtime has pinned it meanwhile");
    }
    if (!NodeMemory.hash(now.get()).equals(verdict.seen().names())) {
      return Image.of(verdict, Result.LEFT, "it has got other names meanwhile: it was pulled");
    }
    Optional<String> user = ImageNames.of(look.uses().stream()).of(planned);
    if (user.isPresent()) {
      return Image.of(verdict, Result.LEFT, "in use meanwhile by " + user.get());
    }
    cri.remove(planned.id());
    return cri.image(planned.id()).isEmpty()
        ? Image.of(verdict, Result.REMOVED, verdict.detail())
        : Image.of(
            verdict, Result.FAILED, "the runtime says that it removed the image, and still has it");
  }
}
