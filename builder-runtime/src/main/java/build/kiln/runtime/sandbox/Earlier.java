package build.kiln.runtime.sandbox;

import java.io.IOException;
import java.util.Optional;

/**
 * What an earlier process found to work, so that it need not be tried again. Lost or wrong, it
 * costs a try.
 */
public interface Earlier {
  /** Nothing is known. */
  Earlier NOTHING =
      new Earlier() {
        @Override
        public Optional<String> found() {
          return Optional.empty();
        }

        @Override
        public void keep(String circumstances) {}

        @Override
        public void forget() {}
      };

  /** The circumstances in which the strongest isolation worked last. */
  Optional<String> found();

  void keep(String circumstances) throws IOException;

  /** It did not work after all. */
  void forget() throws IOException;
}
