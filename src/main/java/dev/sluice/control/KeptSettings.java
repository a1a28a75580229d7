package dev.sluice.control;

import dev.sluice.service.TranslationOptions;

/**
 * Which settings of a service stay as they are when it is edited: a command that has no words for them, as ipvsadm has none for
 * most of these, does not mean to take them away.
 *
 * @param health all that is configured of its health
 * @param localAddresses its own local addresses
 * @param clientAddress how its real servers learn of clients
 * @param synProxy whether it has a SYN proxy
 */
record KeptSettings(boolean health, boolean localAddresses, boolean clientAddress, boolean synProxy) {
    /** Every setting is replaced. */
    static final KeptSettings NONE = new KeptSettings(false, false, false, false);

    /** What comes of options when others replace them. */
    TranslationOptions of(TranslationOptions before, TranslationOptions after) {
        return new TranslationOptions(
                localAddresses ? before.pool() : after.pool(),
                clientAddress ? before.clientAddress() : after.clientAddress(),
                synProxy ? before.synProxy() : after.synProxy());
    }
}
