package build.kiln.runtime.context;

import build.kiln.runtime.layer.FileTree;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/** A Git repository with its submodules. Every file has the time of its commit. */
public final class GitCheckoutContext implements BuildContext {
  private final GitCheckout checkout;
  private final String commit;
  private final OptionalLong time;

  /**
   * @param checkout is closed with this
   * @param commit 40 hexadecimal digits
   */
  public GitCheckoutContext(GitCheckout checkout, String commit) throws IOException {
    this.checkout = checkout;
    this.commit = commit;
    this.time = time(checkout);
  }

  private static OptionalLong time(GitCheckout checkout) throws IOException {
    return OptionalLong.of(checkout.tree().lookup("").orElseThrow().mtimeSeconds());
  }

  @Override
  public FileTree tree() {
    return checkout.tree();
  }

  @Override
  public Optional<String> revision() {
    return Optional.of(commit);
  }

  /** Files keep their own: submodules have other commits. */
  @Override
  public OptionalLong epoch() {
    return OptionalLong.empty();
  }

  @Override
  public OptionalLong created() {
    return time;
  }

  @Override
  public void close() throws IOException {
    checkout.close();
  }
}
