"""The portal for clinicians: pages rendered here, with a little script that keeps them live."""
